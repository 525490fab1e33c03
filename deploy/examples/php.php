<?php

// Calls the tenant through the sidecar. Run: php php.php [base URL]

const CURRENT = '/sidecar/v1/users/alice/session-token';
const TENANT = '/api/v2/tenant/sso/session-token';
$base = $argv[1] ?? (getenv('SIDECAR_URL') ?: 'http://127.0.0.1:8180');

function send(string $path, ?string $body = null): array
{
    $stream = fopen($GLOBALS['base'] . $path, 'r', context: stream_context_create(['http' => [
        'method' => $body === null ? 'GET' : 'POST',
        'header' => ['X-Sidecar-User: alice', 'Accept: text/plain, application/json', 'Content-Type: application/json'],
        'content' => $body,
        'timeout' => 60,
        'ignore_errors' => true,
    ]])) or exit(1);
    $header = implode("\n", stream_get_meta_data($stream)['wrapper_data']);
    return [$header, stream_get_contents($stream)];
}

function call(string $path, ?string $body = null): string
{
    [$header, $text] = send($path, $body);
    $status = explode(' ', $header)[1];
    if ($status !== '200') {
        fwrite(STDERR, "$path: $status $text\n");
        exit(1);
    }
    return $text;
}

// Unknown, dead or lost: there is no session.
if (preg_match('/^X-Sidecar-Error: SESSION_/im', send(CURRENT)[0])) {
    call('/api/v2/sdk/login', json_encode(['user_name' => 'alice', 'password' => 'demo-password']));
}
printf("refreshed expire=%s\n", json_decode(call(TENANT . '/refresh', '{}'))->expire);
printf("token %.4s...\n", call(CURRENT));
printf("ticket %.4s...\n", json_decode(call(TENANT . '/sso-ticket', '{}'))->sso_ticket);
