"""Writes test/fixtures/gguf/tokenizers.json: what others say about tokenizers that our GGUF files must agree with.

    python tools/goldens/make-tokenizer-goldens.py

Run with a Python that has sentencepiece 0.2.3, mistral-common 1.13.1 and transformers 5.23.0; `npx tsx` must work.

`sentencePiece`: the ids that SentencePiece itself gives texts with the tokenizer.model of the tiny models.
`preTokenizers`: the `pre_tokenizer` that transformers writes into tokenizer.json for published families, with the name
that llama.cpp's converter has for it (conversion/base.py, by digests of those vocabularies).
"""

import json
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "test" / "fixtures" / "gguf"

TEXTS = [
    "",
    "t",
    "the",
    "the thing",
    " the",
    "  the  thing  ",
    "thethe",
    "in a thing",
    "a an the in ing",
    "singing",
    "hö",
    "ö ä ü",
    "Zürich",
    "the\nthing",
    "\n",
    "\t the",
    "中文",
    "the 🦙 sings",
    "e\u0301 é",
    "a\u00a0b",
    "▁the",
    "<s>the</s>",
    "12345",
    "!?.,;:",
]


def sentencepiece_ids() -> dict:
    import sentencepiece

    with tempfile.TemporaryDirectory() as scratch:
        command = ["npx", "tsx", str(FIXTURES / "write-tiny-models.ts"), scratch]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        model = str(Path(scratch) / "llama-sentencepiece" / "tokenizer.model")
        processor = sentencepiece.SentencePieceProcessor(model_file=model)
        texts = [{"text": text, "ids": processor.encode(text)} for text in TEXTS]
    return {"by": f"sentencepiece {sentencepiece.__version__}", "texts": texts}


def pre_tokenizers() -> list[dict]:
    import mistral_common
    import transformers
    from transformers.convert_slow_tokenizer import TikTokenConverter
    from transformers.integrations.mistral.tokenizer import MistralConverter

    class Llama3(TikTokenConverter):
        """Its published vocabulary is a tiktoken file, on which the pre-tokenizer does not depend."""

        def extract_vocab_merges_from_model(self, _url: str):
            return {"a": 0}, []

    tekken = Path(mistral_common.__file__).parent / "data" / "tekken_240718.json"
    library = f"transformers {transformers.__version__}"
    rows = [
        ("GPT-2", "gpt-2", f"{library}, GPT2Tokenizer", transformers.GPT2Tokenizer().backend_tokenizer),
        ("Llama 3", "llama-bpe", f"{library}, TikTokenConverter", Llama3().converted()),
        ("Qwen 2, 2.5 and 3", "qwen2", f"{library}, Qwen2Tokenizer", transformers.Qwen2Tokenizer().backend_tokenizer),
        (
            "Mistral NeMo",
            "tekken",
            f"tekken_240718.json of mistral-common {mistral_common.__version__} by {library}, MistralConverter",
            MistralConverter(str(tekken)).converted(),
        ),
    ]
    return [{"of": of, "name": name, "by": by, "tokenizer": excerpt(backend)} for of, name, by, backend in rows]


def excerpt(backend) -> dict:
    whole = json.loads(backend.to_str())
    model = {"type": whole["model"]["type"], "ignore_merges": whole["model"]["ignore_merges"]}
    return {"pre_tokenizer": whole["pre_tokenizer"], "model": model}


def main() -> None:
    goldens = {"sentencePiece": sentencepiece_ids(), "preTokenizers": pre_tokenizers()}
    text = json.dumps(goldens, ensure_ascii=False, indent=1)
    (FIXTURES / "tokenizers.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
