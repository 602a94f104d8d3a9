"""A real Triton server for the tests, started through PyTriton.

Its model is bound as SteerLM's reward model is: `sentences` in, `rewards` out, batches gathered by the server and run
one at a time. What a text scores is a fixed function of its bytes, the same as that of test/support/reward-server.ts.

It ends at a SIGTERM, and when its stdin is closed, so that it never outlives the tests.
"""

import argparse
import os
import signal
import threading
import time
import zlib
from pathlib import Path

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--workspace", required=True, help="a folder that is not there yet")
parser.add_argument("--heads", type=int, default=9, help="scores of a text")
parser.add_argument("--batch", type=int, default=16, help="texts that the model takes at once")
parser.add_argument("--latency", type=float, default=0, help="milliseconds that a batch takes")
parser.add_argument("--per-item", type=float, default=0, help="milliseconds that each of its texts adds")
parser.add_argument("--max-batch", type=int, default=9999999, help="texts that a request may have")
parser.add_argument("--exceeded", action="store_true", help="with the second output that old servers have")
options = parser.parse_args()

one_at_a_time = threading.Lock()


def scores(text):
    return [(zlib.crc32(text, head + 1) % 25) / 4 - 1 for head in range(options.heads)]


@batch
def infer(sentences):
    texts = [bytes(row[0]) for row in sentences]
    with one_at_a_time:
        for start in range(0, len(texts), options.batch):
            count = len(texts[start : start + options.batch])
            time.sleep((options.latency + count * options.per_item) / 1000)
    outputs = {"rewards": np.array([scores(text) for text in texts], dtype=np.float32)}
    if options.exceeded:
        outputs["exceeded"] = np.zeros((len(texts), 1), dtype=np.bool_)
    return outputs


def end_with_stdin():
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def on_sigterm(*_):
    # The second one, if any, must not disturb the cleaning up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Left to itself, Triton waits for half a minute for clients that keep their connections.
    for child in Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    raise SystemExit(0)


signal.signal(signal.SIGTERM, on_sigterm)
threading.Thread(target=end_with_stdin, daemon=True).start()

outputs = [Tensor(name="rewards", shape=(1,), dtype=np.float32)]
if options.exceeded:
    outputs.append(Tensor(name="exceeded", shape=(1,), dtype=np.bool_))
server = TritonConfig(
    allow_http=True,
    allow_grpc=False,
    allow_metrics=False,
    http_address="127.0.0.1",
    http_port=options.port,
)
with Triton(config=server, workspace=options.workspace) as triton:
    triton.bind(
        model_name="reward_model",
        infer_func=infer,
        inputs=[Tensor(name="sentences", shape=(-1,), dtype=bytes, optional=True)],
        outputs=outputs,
        config=ModelConfig(
            batching=True,
            max_batch_size=options.max_batch,
            batcher=DynamicBatcher(max_queue_delay_microseconds=2000, preferred_batch_size=[min(options.batch, options.max_batch)]),
        ),
    )
    triton.serve()
