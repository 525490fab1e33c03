// Calls the tenant through the sidecar. Run: dotnet run --project csharp [base URL]
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

const string Current = "/sidecar/v1/users/alice/session-token";
const string Tenant = "/api/v2/tenant/sso/session-token";
var url = args.FirstOrDefault() ?? Environment.GetEnvironmentVariable("SIDECAR_URL") ?? "http://127.0.0.1:8180";
using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(url) };
client.DefaultRequestHeaders.Add("X-Sidecar-User", "alice");
client.DefaultRequestHeaders.Add("Accept", "text/plain, application/json");

try
{
    using var known = await SendAsync(Current);
    // Unknown, dead or lost: there is no session.
    if (known.Headers.TryGetValues("X-Sidecar-Error", out var errors) && errors.First().StartsWith("SESSION_"))
        await CallAsync("/api/v2/sdk/login", """{"user_name":"alice","password":"demo-password"}""");
    Console.WriteLine($"refreshed expire={JsonNode.Parse(await CallAsync(Tenant + "/refresh", "{}"))!["expire"]}");
    Console.WriteLine($"token {(await CallAsync(Current))[..4]}...");
    var ticket = JsonNode.Parse(await CallAsync(Tenant + "/sso-ticket", "{}"))!["sso_ticket"]!.GetValue<string>();
    Console.WriteLine($"ticket {ticket[..4]}...");
    return 0;
}
catch (HttpRequestException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}

// A 503 that says when to come again is waited for, once.
async Task<HttpResponseMessage> SendAsync(string path, string? body = null, bool again = true)
{
    using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path);
    if (body is not null) request.Content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
    var answer = await client.SendAsync(request);
    if (!again || answer.StatusCode != HttpStatusCode.ServiceUnavailable) return answer;
    if (answer.Headers.RetryAfter?.Delta is not { } wait) return answer;
    await Task.Delay(wait);
    return await SendAsync(path, body, again: false);
}

async Task<string> CallAsync(string path, string? body = null)
{
    using var answer = await SendAsync(path, body);
    var text = await answer.Content.ReadAsStringAsync();
    if (answer.StatusCode == HttpStatusCode.OK) return text;
    throw new HttpRequestException($"{path}: {(int)answer.StatusCode} {text}");
}
