"""What the original annotation client does, as far as time goes: one text at a time, a new client for each, which
asks whether the server and the model are ready and what the model is like before it asks for the scores.

usage: one-by-one.py URL TEXTS     (TEXTS: a JSON string a line)
"""
import http.client
import json
import struct
import sys
import urllib.parse


def get(connection, path):
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    assert response.status == 200, (path, response.status)


def infer(connection, text):
    data = text.encode("utf-8")
    tensor = struct.pack("<I", len(data)) + data
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "sentences",
                    "shape": [1, 1],
                    "datatype": "BYTES",
                    "parameters": {"binary_data_size": len(tensor)},
                }
            ],
            "outputs": [{"name": "rewards", "parameters": {"binary_data": True}}],
        }
    ).encode("utf-8")
    headers = {"Inference-Header-Content-Length": str(len(head))}
    connection.request("POST", "/v2/models/reward_model/infer", head + tensor, headers)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, (response.status, body)


def main():
    address = urllib.parse.urlsplit(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        texts = [json.loads(line) for line in file]
    for text in texts:
        connection = http.client.HTTPConnection(address.hostname, address.port)
        get(connection, "/v2/health/ready")
        get(connection, "/v2/models/reward_model/ready")
        get(connection, "/v2/models/reward_model/config")
        infer(connection, text)
        connection.close()


main()
