// Calls the tenant through the sidecar. Run: go run go.go [base URL]
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

var client = http.Client{Timeout: time.Minute}

// The argument, the environment or the default, whichever is there first.
var base = strings.Fields(strings.Join(append(os.Args[1:], os.Getenv("SIDECAR_URL"), "http://127.0.0.1:8180"), " "))[0]

// send asks for alice. A 503 that says when to come again is waited for, once.
func send(method, path, body string, again bool) *http.Response {
	request, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header = http.Header{"X-Sidecar-User": {"alice"}, "Content-Type": {"application/json"}}
	answer, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	wait, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s")
	if answer.StatusCode != 503 || err != nil || !again {
		return answer
	}
	answer.Body.Close()
	time.Sleep(wait)
	return send(method, path, body, false)
}

// call gives the members of an answer with status 200; any other ends the program.
func call(method, path, body string) (members map[string]any) {
	answer := send(method, path, body, true)
	defer answer.Body.Close()
	err := json.NewDecoder(answer.Body).Decode(&members)
	if err != nil || answer.StatusCode != 200 {
		log.Fatal(path, ": ", answer.Status, " ", members["error_code"])
	}
	return members
}

func main() {
	current, tenant := "/sidecar/v1/users/alice/session-token", "/api/v2/tenant/sso/session-token"
	// Unknown, dead or lost: there is no session.
	if strings.HasPrefix(send("GET", current, "", true).Header.Get("X-Sidecar-Error"), "SESSION_") {
		call("POST", "/api/v2/sdk/login", `{"user_name":"alice","password":"demo-password"}`)
	}
	fmt.Printf("refreshed expire=%v\n", call("POST", tenant+"/refresh", "{}")["expire"])
	fmt.Printf("token %.4s...\n", call("GET", current, "")["session_token"])
	fmt.Printf("ticket %.4s...\n", call("POST", tenant+"/sso-ticket", "{}")["sso_ticket"])
}
