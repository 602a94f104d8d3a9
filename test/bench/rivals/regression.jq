# The regression job in jq, as fast as we could write it, with the same bytes: jq -r -f regression.jq IN > OUT

# jq escapes the delete character, which json.dumps writes as it is.
def escaped:
  if contains("\u007f") then split("\u007f") | map(tojson[1:-1]) | join("\u007f") else tojson[1:-1] end;

# Numbers that are whole lose their fraction in jq.
def float: tonumber | tostring | if contains(".") then . else . + ".0" end;

def vector:
  reduce (split(",")[] | split(":")) as $score ({}; .[$score[0]] = ($score[1] | float))
  | [.quality // "-100.0", .toxicity // "-100.0", .humor // "-100.0", .creativity // "-100.0",
     .helpfulness // "-100.0", .correctness // "-100.0", .coherence // "-100.0", .complexity // "-100.0",
     .verbosity // "-100.0"]
  | join(", ");

.mask as $mask
| foreach .conversations[] as $turn (
    "<extra_id_0>System\\nA chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions.\\n";
    . + (if $turn.from == $mask then "<extra_id_1>User\\n" else "<extra_id_1>Assistant\\n" end)
      + ($turn.value | escaped) + "\\n";
    if ($turn.label // "") == "" then empty
    else "{\"text\": \"" + . + "<extra_id_2>\", \"label\": [" + ($turn.label | vector) + "]}" end)
