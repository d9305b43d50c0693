# Sends one notification through APNs.
#     pip install 'httpx[http2]'
#     python push.py DEVICE_TOKEN
import ssl
import sys

import httpx

if len(sys.argv) != 2:
    sys.exit("usage: python push.py DEVICE_TOKEN")
tls = ssl.create_default_context()
tls.load_verify_locations({{ca_file}})
tls.load_cert_chain({{cert}})  # the certificate and its key
payload = {"aps": {"alert": {"title": "Hello", "body": "It works"}, "sound": "default"}}

# Keep the client for further notifications: APNs wants few connections that stay.
with httpx.Client(http2=True, verify=tls, timeout=10) as client:
    try:
        answer = client.post(
            f"https://{{gateway}}/3/device/{sys.argv[1]}",
            headers={"apns-topic": "{{topic}}", "apns-push-type": "{{push_type}}"},
            json=payload,
        )
    except httpx.TransportError as error:
        # Where APNs refuses the certificate, it says so as it ends the connection.
        ends = getattr(error.__cause__, "args", ())
        reasons = [end.additional_data.decode() for end in ends if getattr(end, "additional_data", None)]
        sys.exit(f"APNs was not reached: {type(error).__name__}: {' '.join(reasons) or error}")
# 200 means that APNs has accepted it; else the answer has the reason. 410: forget the token.
print(answer.status_code, answer.text)
sys.exit(answer.status_code != 200)
