"""Exported encoders equal their checkpoints: small randomly initialised ones of each family."""

import numpy as np
import pytest

from savee_mm.features.encoders.export import export_encoder

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}


def test_folder_without_a_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no config.json"):
        export_encoder(tmp_path, tmp_path / "x.onnx")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Folders of small checkpoints by family."""
    reason = "the extra 'export' is not installed"
    torch = pytest.importorskip("torch", reason=reason)
    transformers = pytest.importorskip("transformers", reason=reason)
    torch.manual_seed(0)
    convolutions = {"conv_dim": (16, 16), "conv_kernel": (10, 3), "conv_stride": (5, 2)}
    positions = {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2}
    models = {
        "wav2vec2": transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SMALL, **convolutions, **positions)),
        "hubert": transformers.HubertModel(transformers.HubertConfig(**SMALL, **convolutions, **positions)),
        "wavlm": transformers.WavLMModel(transformers.WavLMConfig(**SMALL, **convolutions, **positions)),
        "data2vec-audio": transformers.Data2VecAudioModel(
            transformers.Data2VecAudioConfig(**SMALL, **convolutions, **positions, conv_pos_kernel_size=3)
        ),
        "whisper": transformers.WhisperModel(
            transformers.WhisperConfig(
                d_model=32,
                encoder_layers=2,
                decoder_layers=1,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                encoder_ffn_dim=48,
                decoder_ffn_dim=48,
                num_mel_bins=80,
                vocab_size=64,
                pad_token_id=0,
                bos_token_id=1,
                eos_token_id=2,
                decoder_start_token_id=1,
            )
        ),
    }
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, model in models.items():
        model.save_pretrained(folder / name)
    return {name: (folder / name, model.eval()) for name, model in models.items()}


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm", "data2vec-audio"])
def test_hidden_states_of_waveform_encoders(checkpoints, family, tmp_path):
    import onnxruntime
    import torch

    folder, model = checkpoints[family]
    session = onnxruntime.InferenceSession(export_encoder(folder, tmp_path / "encoder.onnx"))
    assert [output.name for output in session.get_outputs()] == ["hidden_0", "hidden_1", "hidden_2"]
    for n_samples in (8000, 16000, 30001):
        waveform = np.random.default_rng(1).normal(0, 1, (1, n_samples)).astype(np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(waveform), output_hidden_states=True).hidden_states
        for state, wanted in zip(session.run(None, {"waveform": waveform}), expected, strict=True):
            np.testing.assert_allclose(state, wanted.numpy(), atol=1e-4)


def test_hidden_states_of_whisper_at_30_seconds(checkpoints, tmp_path):
    import onnxruntime
    import torch

    folder, model = checkpoints["whisper"]
    session = onnxruntime.InferenceSession(export_encoder(folder, tmp_path / "encoder.onnx"))
    log_mel = np.random.default_rng(1).normal(0, 1, (1, 80, 3000)).astype(np.float32)
    with torch.no_grad():
        expected = model.get_encoder()(torch.from_numpy(log_mel), output_hidden_states=True).hidden_states
    for state, wanted in zip(session.run(None, {"log_mel": log_mel}), expected, strict=True):
        np.testing.assert_allclose(state, wanted.numpy(), atol=1e-4)
    assert session.run(["hidden_2"], {"log_mel": log_mel[..., :100]})[0].shape == (1, 50, 32)


def test_other_families_are_refused(checkpoints, tmp_path):
    import transformers

    config = transformers.BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    with pytest.raises(ValueError, match="'bert' are not supported"):
        export_encoder(tmp_path / "bert", tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()
