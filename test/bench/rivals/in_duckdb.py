"""The same work in DuckDB's SQL, as fast as we could write it, with the same bytes.

    in_duckdb.py regression IN OUT      AC-SFT conversations to regression samples
    in_duckdb.py curate IN FOLDER       AC-SFT conversations, the good ones, each twice, to train.jsonl and val.jsonl

As many threads as there are cores, and the input's order: those are its defaults. Lines leave as CSV of one column
without quotes, since its own JSON writer puts no spaces where json.dumps does. The delimiter is one that no line has.
"""

import os
import sys

import duckdb

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
AS_LINES = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def score(label, name):
    # Faster than a map or a struct that is made of the label.
    return f"nullif(regexp_extract({label}, '(?:^|,){name}:([^,]*)', 1), '')::DOUBLE"


def regression(source, out):
    start = quoted(f'{{"text": "<extra_id_0>System\\n{SYSTEM}\\n')
    vector = ", ', ', ".join(f"coalesce({score('label', name)}, -100.0)" for name in ATTRIBUTES)
    # A value that is read as JSON stays escaped: so are the pieces, and what they are joined to.
    duckdb.sql(f"""
        COPY (
            WITH records AS (
                SELECT conversations AS turns, list_transform(conversations, lambda turn:
                    '<extra_id_1>' || CASE WHEN turn."from" = mask THEN 'User' ELSE 'Assistant' END
                    || '\\n' || turn.value[2:-2] || '\\n') AS pieces
                FROM read_json({quoted(source)}, format = 'newline_delimited', columns = {{
                    conversations: 'STRUCT(value JSON, "from" VARCHAR, label VARCHAR)[]', mask: 'VARCHAR'}})
            ), samples AS (
                SELECT unnest(list_transform(
                    list_filter(range(1, len(turns) + 1), lambda i: turns[i].label <> ''),
                    lambda i: {{text: array_to_string(pieces[1:i], ''), label: turns[i].label}}
                ), recursive := true)
                FROM records
            )
            SELECT concat({start}, text, '<extra_id_2>", "label": [', {vector}, ']}}') FROM samples
        ) TO {quoted(out)} {AS_LINES}""")


def curate(source, folder):
    os.makedirs(folder, exist_ok=True)
    kept = f"""
        SELECT line, ('0x' || sha256('10:' || prompt)[1:12])::BIGINT / 281474976710656.0 AS point
        FROM (
            SELECT line, prompt, list_filter(labels, lambda label: label <> '')[-1] AS label
            FROM (
                SELECT json::VARCHAR AS line,
                    json_extract_string(json, '$.conversations[*].label') AS labels,
                    json_extract(json, '$.conversations[0].value')::VARCHAR AS prompt
                FROM read_ndjson_objects({quoted(source)})
                WHERE json_array_length(json, '$.conversations') <= 6
            )
        )
        WHERE {score('label', 'quality')} >= 2 OR {score('label', 'helpfulness')} >= 2"""
    # Reading twice is no slower than keeping what both parts are made of, which takes more memory than the file.
    for part, condition in [("train", "point < 0.95"), ("val", "point >= 0.95")]:
        path = quoted(os.path.join(folder, f"{part}.jsonl"))
        duckdb.sql(f"COPY (SELECT concat(line, '\n', line) FROM ({kept}) WHERE {condition}) TO {path} {AS_LINES}")


def main():
    jobs = {"regression": regression, "curate": curate}
    if len(sys.argv) != 4 or sys.argv[1] not in jobs:
        sys.exit("usage: in_duckdb.py regression|curate IN OUT")
    jobs[sys.argv[1]](sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    main()
