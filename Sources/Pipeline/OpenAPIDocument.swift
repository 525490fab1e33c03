// The local API for machines: OpenAPI 3.1, served at `/sidecar/v1/openapi.json` and checked against the running program.

enum OpenAPIDocument {
    static let text = """
        {
          "openapi": "3.1.0",
          "info": {
            "title": "ciam-sidecar local API",
            "version": "1.0.0",
            "description": "Session tokens of users, on the data plane of the sidecar. Errors have the tenant's shape; their codes begin with SIDECAR."
          },
          "servers": [{"url": "http://127.0.0.1:8180"}],
          "paths": {
            "/sidecar/v1/users/{user}/session-token": {
              "parameters": [{"$ref": "#/components/parameters/User"}],
              "get": {
                "operationId": "getSessionToken",
                "summary": "The newest session token, refreshed first if too little is left of it",
                "parameters": [
                  {
                    "name": "min_validity", "in": "query", "description": "Seconds that must be left",
                    "schema": {"type": "integer", "minimum": 0, "default": 60}
                  }
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/Token"},
                  "400": {"$ref": "#/components/responses/Error"},
                  "404": {"$ref": "#/components/responses/Error"},
                  "410": {"$ref": "#/components/responses/Error"},
                  "default": {"$ref": "#/components/responses/Error"}
                }
              },
              "put": {
                "operationId": "putSessionToken",
                "summary": "Hand over the session token of a login made elsewhere",
                "requestBody": {
                  "required": true,
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HandOver"}}}
                },
                "responses": {
                  "204": {"description": "It is the user's session, and on disk"},
                  "400": {"$ref": "#/components/responses/Error"},
                  "409": {"$ref": "#/components/responses/Error"},
                  "default": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/sidecar/v1/users/{user}/session-token/refresh": {
              "parameters": [{"$ref": "#/components/parameters/User"}],
              "post": {
                "operationId": "refreshSessionToken",
                "summary": "One refresh, shared by all who ask at the same time",
                "responses": {
                  "200": {"$ref": "#/components/responses/Token"},
                  "404": {"$ref": "#/components/responses/Error"},
                  "410": {"$ref": "#/components/responses/Error"},
                  "default": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/sidecar/v1/users/{user}": {
              "parameters": [{"$ref": "#/components/parameters/User"}],
              "get": {
                "operationId": "getUser",
                "summary": "What is known of the user's session, without any token",
                "responses": {
                  "200": {
                    "description": "The session",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Session"}}}
                  },
                  "404": {"$ref": "#/components/responses/Error"},
                  "default": {"$ref": "#/components/responses/Error"}
                }
              },
              "delete": {
                "operationId": "deleteUser",
                "summary": "Forget the user's session",
                "responses": {
                  "204": {"description": "It is forgotten"},
                  "default": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/sidecar/v1/explain": {
              "post": {
                "operationId": "explain",
                "summary": "What would become of a request; nothing is sent",
                "requestBody": {
                  "required": true,
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Question"}}}
                },
                "responses": {
                  "200": {
                    "description": "The decisions, secrets as •••",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Explanation"}}}
                  },
                  "400": {"$ref": "#/components/responses/Error"},
                  "default": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/sidecar/v1/openapi.json": {
              "get": {
                "operationId": "getOpenAPI",
                "summary": "This document",
                "responses": {"200": {"description": "OpenAPI 3.1", "content": {"application/json": {}}}}
              }
            }
          },
          "components": {
            "parameters": {
              "User": {
                "name": "user", "in": "path", "required": true,
                "description": "The user key: 1 to 256 bytes of UTF-8 without control characters, percent-encoded once",
                "schema": {"type": "string", "minLength": 1}
              }
            },
            "responses": {
              "Token": {
                "description": "The newest session token; alone with Accept: text/plain",
                "headers": {
                  "X-Sidecar-Source": {
                    "schema": {"type": "string", "enum": ["upstream", "coalesced", "replay", "cache", "stale"]}
                  }
                },
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/Token"}},
                  "text/plain": {"schema": {"type": "string"}}
                }
              },
              "Error": {
                "description": "An error of the sidecar, or the tenant's own",
                "headers": {"X-Sidecar-Error": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
              }
            },
            "schemas": {
              "Token": {
                "type": "object",
                "required": ["session_token", "expire", "expires_at", "generation"],
                "properties": {
                  "session_token": {"type": "string"},
                  "expire": {"type": "integer", "description": "Seconds"},
                  "expires_at": {"type": "string", "format": "date-time"},
                  "generation": {"type": "integer", "minimum": 1}
                }
              },
              "HandOver": {
                "type": "object",
                "required": ["session_token"],
                "properties": {
                  "session_token": {"type": "string", "minLength": 1, "maxLength": 8192},
                  "expire": {"type": "integer", "minimum": 1, "description": "Seconds"},
                  "device_fingerprint": {"type": "string", "minLength": 1}
                }
              },
              "Session": {
                "type": "object",
                "required": ["state", "generation", "expire", "expires_at", "fingerprint_pinned", "last_refresh", "last_error"],
                "properties": {
                  "state": {"type": "string", "enum": ["live", "refreshing", "unknown", "dead"]},
                  "generation": {"type": "integer"},
                  "expire": {"type": "integer", "description": "Seconds"},
                  "expires_at": {"type": "string", "format": "date-time"},
                  "fingerprint_pinned": {"type": "boolean"},
                  "last_refresh": {"type": "string", "format": "date-time"},
                  "last_error": {"type": ["string", "null"]}
                }
              },
              "Question": {
                "type": "object",
                "required": ["path"],
                "properties": {
                  "method": {"type": "string", "default": "POST"},
                  "path": {"type": "string"},
                  "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                  "body": {"description": "The body as text, or as JSON"}
                }
              },
              "Explanation": {
                "type": "object",
                "required": ["outcome", "route", "request", "error", "why"],
                "properties": {
                  "outcome": {"type": "string", "enum": ["forwarded", "answered", "refused"]},
                  "route": {"type": ["string", "null"]},
                  "request": {"type": ["object", "null"]},
                  "error": {"type": ["object", "null"]},
                  "why": {"type": "array", "items": {"type": "string"}}
                }
              },
              "Error": {
                "type": "object",
                "properties": {"error_code": {"type": "string"}, "error_msg": {"type": "string"}}
              }
            }
          }
        }
        """
}
