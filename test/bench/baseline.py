"""What the original SteerLM data tools do, written plainly: the scale that steerpipe is measured by.

    baseline.py regression IN OUT    AC-SFT conversations to regression samples
    baseline.py helpsteer2 IN OUT    HelpSteer2 rows (gzip if IN ends with .gz) to AC-SFT conversations
    baseline.py oasst IN FOLDER      Open Assistant trees (gzip) to train.jsonl and val.jsonl

And what one would write beside them, to keep the good conversations that are not long, each twice, without a prompt
that is in both files:

    baseline.py curate IN FOLDER          as those tools do it: all lines to objects, objects to lines
    baseline.py curate-lines IN FOLDER    a line at a time, written as it was
"""

import gzip
import hashlib
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
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
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


def last_scores(turns):
    for turn in reversed(turns):
        if turn.get("label"):
            pairs = (part.split(":") for part in turn["label"].split(","))
            return {name: float(score) for name, score in pairs}
    return {}


def is_wanted(record):
    scores = last_scores(record["conversations"])
    good = scores.get("quality", NOT_ANNOTATED) >= 2 or scores.get("helpfulness", NOT_ANNOTATED) >= 2
    return good and len(record["conversations"]) <= 6


def part_of(record):
    prompt = json.dumps(record["conversations"][0]["value"], ensure_ascii=False)
    digest = hashlib.sha256(f"10:{prompt}".encode()).digest()
    return "train" if int.from_bytes(digest[:6], "big") / 2**48 < 0.95 else "val"


def curate(source, folder, as_objects):
    os.makedirs(folder, exist_ok=True)
    paths = {part: os.path.join(folder, f"{part}.jsonl") for part in ["train", "val"]}
    out = {part: open(path, "w", encoding="utf-8") for part, path in paths.items()}
    if as_objects:
        for record in load(source):
            if is_wanted(record):
                for _ in range(2):
                    out[part_of(record)].write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        with open(source, encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                if is_wanted(record):
                    out[part_of(record)].write(line * 2)
    for file in out.values():
        file.close()


def main():
    jobs = {"regression": regression, "helpsteer2": helpsteer2}
    if len(sys.argv) != 4 or sys.argv[1] not in [*jobs, "oasst", "curate", "curate-lines"]:
        sys.exit("usage: baseline.py regression|helpsteer2|oasst|curate|curate-lines IN OUT")
    if sys.argv[1] == "oasst":
        return oasst(sys.argv[2], sys.argv[3])
    if sys.argv[1].startswith("curate"):
        return curate(sys.argv[2], sys.argv[3], as_objects=sys.argv[1] == "curate")
    records = load(sys.argv[2])
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        jobs[sys.argv[1]](records, out)


if __name__ == "__main__":
    main()
