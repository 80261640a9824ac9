"""The base model, ready to train or to generate: the one file that loads transformers and peft; no network ever."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.train.extra import need_extra, stay_offline
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.router.tiers import weights

if TYPE_CHECKING:
    import torch

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
DTYPES = ("auto", "bfloat16", "float32")


@dataclass(frozen=True, slots=True)
class Base:
    """A model in memory.

    Attributes:
        model: transformers' causal language model, frozen; or PEFT's model around it.
        tokenizer: transformers' own, with the chat template of the GGUF.
        device: "cpu", "cuda" or "mps".
    """

    model: Any
    tokenizer: Any
    device: str
    dtype: torch.dtype

    @property
    def n_layers(self) -> int:
        return int(self.model.config.num_hidden_layers)


def base_file(base: str) -> Path:
    """The GGUF of a known name or a path.

    Raises:
        FinetuneError: It isn't here.
    """
    found = weights.find(base)
    if found is None:
        hint = f"`stepwell local fetch {base}`" if base in weights.KNOWN else "name a GGUF file"
        raise FinetuneError(f"no weights here for {base}: {hint}")
    return found


def load_base(path: Path, *, dtype: str = "auto", device: str = "") -> Base:
    """Read a GGUF; its weights are de-quantised. Takes seconds.

    Args:
        dtype: "float32", "bfloat16", or "auto": bfloat16 where the device multiplies it natively.
        device: "": a GPU where there is one.

    Raises:
        FinetuneError: An extra is missing, or the file can't be read.
    """
    need_extra()
    stay_offline()
    from stepwell.evals.finetune.train.plain_llama import PlainLlama

    device = device or _device()
    kind = _dtype(dtype, device)
    read = PlainLlama(path)
    model, tokenizer = _plain(read, kind) if read.is_plain else _by_transformers(path, kind)
    model.name_or_path = path.stem  # what PEFT notes as the adapter's base
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return Base(model.eval().to(device), tokenizer, device, kind)


def adapt(base: Base, recipe: Recipe) -> Base:
    """Put fresh LoRA matrices on the upper layers; the same seed gives the same ones.

    Raises:
        FinetuneError: The model has no such layer.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    if not 0 <= recipe.first_layer < base.n_layers:
        raise FinetuneError(
            f"first_layer is {recipe.first_layer}; the model's layers are 0..{base.n_layers - 1}"
        )
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(PROJECTIONS),
        layers_to_transform=list(range(recipe.first_layer, base.n_layers)),
        task_type="CAUSAL_LM",
        base_model_name_or_path=base.model.name_or_path,
    )
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT calls what transformers renames
        torch.manual_seed(recipe.seed)
        model = get_peft_model(base.model, config, autocast_adapter_dtype=False)
    return Base(model, base.tokenizer, base.device, base.dtype)


def with_adapter(base: Base, folder: Path) -> Base:
    """The base with a trained adapter on it.

    Raises:
        FinetuneError: The folder holds none that fits.
    """
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            model = PeftModel.from_pretrained(base.model, str(folder), autocast_adapter_dtype=False)
    except Exception as e:  # PEFT meets a broken folder with whatever it trips over
        raise FinetuneError(f"{folder}: its adapter can't be loaded ({type(e).__name__})") from e
    return Base(model.eval(), base.tokenizer, base.device, base.dtype)


def _plain(read: Any, dtype: torch.dtype) -> tuple[Any, Any]:
    import torch
    from transformers import LlamaForCausalLM

    config = read.config()
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    found = read.weights(dtype)
    if config.tie_word_embeddings:
        found["lm_head.weight"] = found["model.embed_tokens.weight"]
    model.load_state_dict(found, assign=True)
    model.tie_weights()
    # not in the state: the angles' frequencies, made anew where there is memory for them
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    return model, read.tokenizer()


def _by_transformers(path: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
        model: Any = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, dtype=dtype)
    except Exception as e:  # which architectures it reads, only transformers knows
        raise FinetuneError(f"{path}: transformers can't train from it ({type(e).__name__})") from e
    return model, tokenizer


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(asked: str, device: str) -> torch.dtype:
    import torch

    if asked not in DTYPES:
        raise FinetuneError(f"dtype is {asked!r}; want one of {', '.join(DTYPES)}")
    if asked != "auto":
        return torch.bfloat16 if asked == "bfloat16" else torch.float32
    pays = torch.cuda.is_bf16_supported() if device == "cuda" else device == "cpu" and _cpu_multiplies_bf16()
    return torch.bfloat16 if pays else torch.float32


def _cpu_multiplies_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)
