<?php
// Sends one notification through APNs. Needs PHP's curl extension with HTTP/2.
//     php push.php DEVICE_TOKEN
if ($argc !== 2) {
    fwrite(STDERR, "usage: php push.php DEVICE_TOKEN\n");
    exit(2);
}
$payload = ['aps' => ['alert' => ['title' => 'Hello', 'body' => 'It works'], 'sound' => 'default']];

$request = curl_init('https://{{gateway}}/3/device/' . rawurlencode($argv[1]));
curl_setopt_array($request, [
    CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_2_0,
    CURLOPT_SSLCERT => {{cert}}, // the certificate and its key
    CURLOPT_CAINFO => {{ca_file}},
    CURLOPT_HTTPHEADER => ['apns-topic: {{topic}}', 'apns-push-type: {{push_type}}'],
    CURLOPT_POSTFIELDS => json_encode($payload),
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 10,
]);
$answer = curl_exec($request);
if ($answer === false) {
    fwrite(STDERR, 'APNs was not reached: ' . curl_error($request) . "\n");
    exit(1);
}
// 200 means that APNs has accepted it; else the answer has the reason. 410: forget the token.
$status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);
echo "$status $answer\n";
exit($status === 200 ? 0 : 1);
