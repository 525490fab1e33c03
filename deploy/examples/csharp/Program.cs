// Calls the tenant through the sidecar. Run: dotnet run --project csharp [base URL]
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

const string Current = "/sidecar/v1/users/alice/session-token";
const string Tenant = "/api/v2/tenant/sso/session-token";
var url = args.FirstOrDefault() ?? Environment.GetEnvironmentVariable("SIDECAR_URL") ?? "http://127.0.0.1:8180";
using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(url) };
client.DefaultRequestHeaders.Add("X-Sidecar-User", "alice");

using var known = await client.GetAsync(Current);
// Unknown, dead or lost: there is no session.
if (known.Headers.TryGetValues("X-Sidecar-Error", out var errors) && errors.First().StartsWith("SESSION_"))
{
    await CallAsync("/api/v2/sdk/login", """{"user_name":"alice","password":"demo-password"}""");
}
var refreshed = await CallAsync(Tenant + "/refresh", "{}");
Console.WriteLine($"refreshed expire={refreshed["expire"]}");
var session = await CallAsync(Current);
Console.WriteLine($"token {session["session_token"]!.GetValue<string>()[..4]}...");
var ticket = await CallAsync(Tenant + "/sso-ticket", "{}");
Console.WriteLine($"ticket {ticket["sso_ticket"]!.GetValue<string>()[..4]}...");

async Task<JsonNode> CallAsync(string path, string? body = null)
{
    using var content = body is null ? null : new StringContent(body, new MediaTypeHeaderValue("application/json"));
    using var answer = content is null ? await client.GetAsync(path) : await client.PostAsync(path, content);
    var text = await answer.Content.ReadAsStringAsync();
    if (!answer.IsSuccessStatusCode)
    {
        Console.Error.WriteLine($"{path}: {(int)answer.StatusCode} {text}");
        Environment.Exit(1);
    }
    return JsonNode.Parse(text)!;
}
