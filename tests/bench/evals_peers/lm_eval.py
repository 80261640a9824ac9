"""lm-eval, by its command line, on a task of its own format; it logs its samples."""

from __future__ import annotations

import msgspec
import yaml

from tests.bench.evals_peers.place import KEY, MODEL, Place, Started, Tool, in_venv

OFF = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def tool() -> Tool:
    program, lacks = in_venv("lm-eval", "lm_eval")
    return Tool("lm-eval", lambda place: _start(place, program), lacks)


def _start(place: Place, program: str) -> Started:
    samples = place.folder / "samples.jsonl"
    samples.write_bytes(
        b"".join(
            msgspec.json.encode({"question": q.text, "answer": str(q.target)}) + b"\n"
            for q in place.questions
        )
    )
    task = {
        "task": "sums",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(samples)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": ["\n\n\n"], "max_gen_toks": 256},
        "filter_list": [
            {
                "name": "number",
                "filter": [
                    {"function": "regex", "regex_pattern": r"#### (\d+)"},
                    {"function": "take_first"},
                ],
            }
        ],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    (place.folder / "sums.yaml").write_text(yaml.safe_dump(task))
    logs = place.folder / "logs"
    asked = f"model={MODEL},base_url={place.base_url}/chat/completions,num_concurrent={place.concurrency}"
    run = [program, "--model", "local-chat-completions", "--model_args", f"{asked},tokenized_requests=False"]
    task_of = ["--tasks", "sums", "--include_path", str(place.folder), "--apply_chat_template"]
    env = {**OFF, "OPENAI_API_KEY": KEY, "HF_HOME": str(place.folder / "hf")}
    return Started([*run, *task_of, "--log_samples", "--output_path", str(logs)], [logs], env)
