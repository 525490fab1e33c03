// Calls the tenant through the sidecar. Run: go run go.go [base URL]
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func call(method, path, body, name string) any {
	bases := append(os.Args[1:], os.Getenv("SIDECAR_URL"), "http://127.0.0.1:8180")
	request, err := http.NewRequest(method, strings.Fields(strings.Join(bases, " "))[0]+path, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header = http.Header{"X-Sidecar-User": {"alice"}, "Content-Type": {"application/json"}}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	var members map[string]any // A refusal ends the program, unless it has the member asked for.
	if json.NewDecoder(answer.Body).Decode(&members) != nil || answer.StatusCode != 200 && members[name] == nil {
		log.Fatal(path, ": ", answer.Status, " ", members)
	}
	return members[name]
}

func main() {
	if strings.Contains(fmt.Sprint(call("GET", "/sidecar/v1/users/alice/session-token", "", "error_code")), ".SESSION_") {
		call("POST", "/api/v2/sdk/login", `{"user_name":"alice","password":"demo-password"}`, "") // Unknown, dead or lost.
	}
	fmt.Printf("refreshed expire=%v\n", call("POST", "/api/v2/tenant/sso/session-token/refresh", "{}", "expire"))
	fmt.Printf("token %.4s...\n", call("GET", "/sidecar/v1/users/alice/session-token", "", "session_token"))
	fmt.Printf("ticket %.4s...\n", call("POST", "/api/v2/tenant/sso/session-token/sso-ticket", "{}", "sso_ticket"))
}
