"""Export of the speech encoders of local transformers checkpoints to ONNX files, with every block as an output."""

import os
from pathlib import Path

import numpy as np

from savee_mm._files import write_atomically

# Largest difference between the hidden states of the file and of the checkpoint.
_TOLERANCE = 1e-4
_WAVEFORM_FAMILIES = {"wav2vec2", "hubert", "wavlm", "data2vec-audio"}
# Lengths (samples, frames) of the trial input of the export, and of the one that checks the file.
_LENGTHS = {"waveform": (16000, 11200), "log_mel": (200, 146)}


def export_encoder(checkpoint: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Export the encoder of a transformers checkpoint: wav2vec 2.0, HuBERT, WavLM, data2vec audio, or Whisper.

    The outputs are ``hidden_0`` (the input of the first block) to ``hidden_N`` (the output of the last), of shape
    ``(1, n_frames, n_values)``, as ``output_hidden_states=True`` returns them. The input of Whisper is ``log_mel`` of
    shape (1, n_mels, n_mel_frames), without padding to 30 s; of the others it is ``waveform`` of shape (1, n_samples).

    Parameters
    ----------
    checkpoint : str or path-like
        Folder of a checkpoint with ``config.json``. Nothing is downloaded.
    out : str or path-like
        The ONNX file to write.

    Returns
    -------
    path : Path

    Raises
    ------
    ImportError
        If torch or transformers is not installed.
    FileNotFoundError
        If the folder is not a checkpoint.
    ValueError
        If the checkpoint is of another family, or the hidden states of the file differ from those of the checkpoint by
        more than 1e-4. Nothing is written then.

    Notes
    -----
    Needs the packages torch and transformers: ``pip install 'savee-mm[export]'``.
    """
    folder, out = Path(checkpoint), Path(out)
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder} is not a checkpoint: it has no config.json. Download the checkpoint, and pass its folder."
        )
    try:
        import onnxscript  # noqa: F401  torch's exporter needs it
        import torch
        import transformers
    except ImportError as error:
        raise ImportError(
            f"Exporting needs the package {error.name}, which is not installed; run `pip install 'savee-mm[export]'`."
        ) from error
    model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    network, name, n_bands = _wrap(model)
    shapes = [(1, length) if n_bands is None else (1, n_bands, length) for length in _LENGTHS[name]]
    trial, check = (torch.from_numpy(_noise(shape)) for shape in shapes)
    with torch.no_grad():
        n_outputs = len(network(trial))
        program = torch.onnx.export(
            network,
            (trial,),
            input_names=[name],
            output_names=[f"hidden_{i}" for i in range(n_outputs)],
            dynamic_shapes=({len(shapes[0]) - 1: torch.export.Dim.AUTO},),
            dynamo=True,
            verbose=False,
        )
        expected = [state.numpy() for state in network(check)]
    content = program.model_proto.SerializeToString()
    _compare(content, {name: check.numpy()}, expected, folder)
    with write_atomically(out) as file:
        file.write(content)
    return out


def _noise(shape):
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def _wrap(model):
    """Return a module that returns all hidden states, the name of its input, and its number of mel bands or None."""
    import torch

    family = model.config.model_type

    class Waveform(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, waveform):
            return self.model(waveform, output_hidden_states=True).hidden_states

    class LogMel(torch.nn.Module):
        """The encoder of Whisper on inputs shorter than 30 s, which transformers refuses."""

        def __init__(self):
            super().__init__()
            self.encoder = model.get_encoder()

        def forward(self, log_mel):
            encoder = self.encoder
            x = torch.nn.functional.gelu(encoder.conv1(log_mel))
            x = torch.nn.functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
            x = x + encoder.embed_positions.weight[: x.shape[1]]
            states = [x]
            for layer in encoder.layers:
                x = layer(x, attention_mask=None)
                x = x[0] if isinstance(x, tuple) else x
                states.append(x)
            return (*states[:-1], encoder.layer_norm(x))

    if family == "whisper":
        return LogMel().eval(), "log_mel", model.config.num_mel_bins
    if family in _WAVEFORM_FAMILIES:
        return Waveform().eval(), "waveform", None
    raise ValueError(
        f"Checkpoints of {family!r} are not supported; supported are whisper, {', '.join(sorted(_WAVEFORM_FAMILIES))}."
    )


def _compare(content, inputs, expected, folder):
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    states = session.run(None, inputs)
    worst = max(float(np.abs(a - b).max()) for a, b in zip(states, expected, strict=True))
    if not worst <= _TOLERANCE:
        raise ValueError(
            f"The exported hidden states of {folder} differ from the checkpoint's by {worst:.1e}, more than "
            f"{_TOLERANCE:.0e}; use another version of torch or transformers."
        )
