// Sends one notification through APNs. Node.js has all that it needs.
//     node push.mjs DEVICE_TOKEN
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';

const [token] = process.argv.slice(2);
if (!token) {
  console.error('usage: node push.mjs DEVICE_TOKEN');
  process.exit(2);
}
const pem = readFileSync({{cert}}); // the certificate and its key
const payload = { aps: { alert: { title: 'Hello', body: 'It works' }, sound: 'default' } };

// Keep the session for further notifications: APNs wants few connections that stay.
const session = connect('https://{{gateway}}', {
  cert: pem,
  key: pem,
  ca: readFileSync({{ca_file}}),
});
const fail = (error) => {
  console.error(`APNs was not reached: ${error.message}`);
  process.exit(1);
};
session.on('error', fail);
// Where APNs refuses the certificate, it says so as it ends the connection.
session.on('goaway', (code, lastStream, reason) => { if (reason?.length) fail(new Error(`${reason}`)); });
const request = session.request({
  ':method': 'POST',
  ':authority': '{{gateway}}',
  ':path': `/3/device/${token}`,
  'apns-topic': '{{topic}}',
  'apns-push-type': '{{push_type}}',
});
let status;
let answer = '';
request.setEncoding('utf8');
request.setTimeout(10_000, () => fail(new Error('no answer within 10 s')));
request.on('response', (headers) => { status = headers[':status']; });
request.on('data', (data) => { answer += data; });
request.on('error', fail);
request.on('end', () => {
  if (!status) fail(new Error('the connection ended without an answer'));
  // 200 means that APNs has accepted it; else the answer has the reason. 410: forget the token.
  console.log(status, answer);
  process.exitCode = status === 200 ? 0 : 1;
  session.close();
});
request.end(JSON.stringify(payload));
