"""What the original SteerLM data tools do, written plainly: the scale that steerpipe is measured by.

    baseline.py regression IN OUT    AC-SFT conversations to regression samples
    baseline.py helpsteer2 IN OUT    HelpSteer2 rows to AC-SFT conversations
"""

import json
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


def main():
    jobs = {"regression": regression, "helpsteer2": helpsteer2}
    if len(sys.argv) != 4 or sys.argv[1] not in jobs:
        sys.exit("usage: baseline.py regression|helpsteer2 IN OUT")
    records = load(sys.argv[2])
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        jobs[sys.argv[1]](records, out)


if __name__ == "__main__":
    main()
