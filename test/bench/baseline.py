"""What the original SteerLM data tools do, written plainly: the scale that steerpipe is measured by.

    baseline.py regression IN OUT    AC-SFT conversations to regression samples
    baseline.py helpsteer2 IN OUT    HelpSteer2 rows to AC-SFT conversations
    baseline.py oasst IN FOLDER      Open Assistant trees (gzip) to train.jsonl and val.jsonl
"""

import gzip
import json
import os
import random
import sys

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
ATTRIBUTES = [
    "quality",
    "toxicity",
    "humor",
    "creativity",
    "helpfulness",
    "correctness",
    "coherence",
    "complexity",
    "verbosity",
]
OASST_ATTRIBUTES = ATTRIBUTES[:4]
NOT_ANNOTATED = -100.0


def load(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def label_to_vector(label):
    scores = {}
    for part in label.split(","):
        pieces = part.split(":")
        scores[pieces[0]] = float(pieces[1])
    return [scores.get(name, NOT_ANNOTATED) for name in ATTRIBUTES]


def regression(records, out):
    for record in records:
        text = f"<extra_id_0>System\n{SYSTEM}\n"
        for turn in record["conversations"]:
            role = "User" if turn["from"] == record["mask"] else "Assistant"
            text += f"<extra_id_1>{role}\n{turn['value']}\n"
            if turn.get("label"):
                sample = {"text": text + "<extra_id_2>", "label": label_to_vector(turn["label"])}
                out.write(json.dumps(sample, ensure_ascii=False) + "\n")


def helpsteer2(rows, out):
    for row in rows:
        label = ",".join(f"{name}:{row[name]}" for name in ATTRIBUTES if name in row)
        record = {
            "conversations": [
                {"value": row["prompt"], "from": "User", "label": None},
                {"value": row["response"], "from": "Assistant", "label": label},
            ],
            "system": SYSTEM,
            "mask": "User",
            "type": "VALUE_TO_TEXT",
        }
        out.write(json.dumps(record, ensure_ascii=False) + "\n")


def message_label(labels):
    return ",".join(f"{name}:{round(labels[name]['value'] * 4)}" for name in OASST_ATTRIBUTES if name in labels)


def threads(message):
    turn = {"value": message["text"], "from": "User" if message["role"] == "prompter" else "Assistant"}
    if "labels" in message:
        turn["label"] = message_label(message["labels"])
    if turn["from"] == "User":
        turn["label"] = None
    below = [thread for reply in message["replies"] for thread in threads(reply)]
    return [[turn] + thread for thread in below] or [[turn]]


def oasst_part(trees, path):
    records = []
    for tree in trees:
        for turns in threads(tree["prompt"]):
            if len(turns) > 1:
                records.append(
                    {"conversations": turns, "system": SYSTEM, "mask": "User", "type": "VALUE_TO_TEXT"}
                )
    with open(path, "w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def oasst(source, folder):
    with gzip.open(source) as file:
        trees = [json.loads(line.decode("utf-8")) for line in file.readlines()]
    random.seed(10)
    random.shuffle(trees)
    train = int(len(trees) * 0.95)
    os.makedirs(folder, exist_ok=True)
    oasst_part(trees[:train], os.path.join(folder, "train.jsonl"))
    oasst_part(trees[train:], os.path.join(folder, "val.jsonl"))


def main():
    jobs = {"regression": regression, "helpsteer2": helpsteer2}
    if len(sys.argv) != 4 or sys.argv[1] not in [*jobs, "oasst"]:
        sys.exit("usage: baseline.py regression|helpsteer2|oasst IN OUT")
    if sys.argv[1] == "oasst":
        return oasst(sys.argv[2], sys.argv[3])
    records = load(sys.argv[2])
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        jobs[sys.argv[1]](records, out)


if __name__ == "__main__":
    main()
