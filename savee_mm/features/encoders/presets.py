"""Encoders by name: the file, its input, and what was measured to work."""

from dataclasses import dataclass

from savee_mm._weights import weights_folder


@dataclass(frozen=True)
class Encoder:
    """One pretrained speech encoder: names of its ONNX file, its input, its default outputs, and its licence.

    Parameters
    ----------
    filenames : tuple of str
        Names of its file in the weights folder; the first that exists is used.
    front_end : str
        What its input is made of, a key of ``FRONT_ENDS``.
    outputs : tuple of str
        Tensors that are used by default.
    licence : str
        Licence of the published weights.
    source : str
        How to obtain the file.
    window, hop : float or None, default=None
        Length and distance of the windows that the encoder reads at once (s); None reads whole clips.
    pad : {"none", "left", "right"}, default="none"
        Where a clip shorter than the window is padded with zeros.
    """

    filenames: tuple[str, ...]
    front_end: str
    outputs: tuple[str, ...]
    licence: str
    source: str
    window: float | None = None
    hop: float | None = None
    pad: str = "none"

    def find(self):
        """Return the path of the file in the folder of ``SAVEE_MM_WEIGHTS``, or None."""
        folder = weights_folder()
        paths = (folder / name for name in self.filenames) if folder else ()
        return next((path for path in paths if path.is_file()), None)


def _exported(family, checkpoint, licence, front_end="standardized"):
    """Return the Encoder of a checkpoint that a user exports; its middle block is used."""
    name = f"{family}.onnx"
    return Encoder(
        (name,), front_end, ("hidden_6",), licence, f"`savee-mm export-encoder {checkpoint} --out {name}`", 30
    )


ENCODERS = {
    "whisper-base": Encoder(
        ("whisper-base.onnx", "whisper_base_encoder_blocks1-3_int8.onnx"),
        "whisper",
        ("hidden_2",),
        "MIT",
        "`savee-mm export-encoder openai/whisper-base --out whisper-base.onnx`",
        window=30,
    ),
    "smart-turn": Encoder(
        ("smart-turn-v3.2-cpu.onnx",),
        "whisper_standardized",
        ("add_268",),
        "BSD-2-Clause",
        "the package pipecat-ai 1.14.0 contains it",
        window=8,
        pad="left",
    ),
    "ge2e": Encoder(
        ("ge2e.onnx",),
        "ge2e",
        ("hidden_1",),
        "Apache-2.0",
        "export the encoder of Resemblyzer 0.1.4 with its hidden sequences as outputs hidden_0, hidden_1, hidden_2",
        window=1.6,
        hop=0.8,
        pad="right",
    ),
    "wav2vec2": _exported("wav2vec2", "facebook/wav2vec2-base", "Apache-2.0"),
    "hubert": _exported("hubert", "facebook/hubert-base-ls960", "Apache-2.0"),
    "wavlm": _exported("wavlm", "microsoft/wavlm-base-plus", "CC-BY-SA-3.0", front_end="waveform"),
    "emotion2vec": _exported("emotion2vec", "a local checkpoint", "Apache-2.0"),
}
"""Encoders that :class:`~savee_mm.SpeechEmbedding` knows by name."""


def find_encoder(name):
    """Return the path of the file of a registered encoder.

    Raises
    ------
    FileNotFoundError
        If it is not in the folder of ``SAVEE_MM_WEIGHTS``. The message says how to obtain it.
    """
    encoder = ENCODERS[name]
    path = encoder.find()
    if path is None:
        raise FileNotFoundError(
            f"The encoder {name!r} needs the file {encoder.filenames[0]} in the folder of the environment variable "
            f"SAVEE_MM_WEIGHTS ({weights_folder() or 'not set'}). To obtain it: {encoder.source}."
        )
    return path
