"""Times on a GPU: ``python -m benchmarks.gpu``. Without one it runs on the processor, and says so.

Wall time of an epoch of FusionClassifier, of a batch prediction in Keras and in onnxruntime, and of faces found by
YuNet (on the processor) if its weights are in ``SAVEE_MM_WEIGHTS``. Inputs are random arrays of the default
shapes: times of networks do not depend on the values.
"""

import json
import sys
import time

import numpy as np

FRAMES, IMAGE, N_CLASSES = (6, 64, 64, 3), (40, 290, 1), 7


def seconds(function, rounds):
    """Return the shortest wall time of a call (s), after one that is not counted."""
    function()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return min(found)


def epoch(n_clips, rng, rounds):
    """Return the wall time of a training epoch of the fusion network (s)."""
    import keras

    from savee_mm.networks import Batches, Regularization, build_fusion, random_frames
    from savee_mm.networks.fusion import modality_dropout_loss, three_predictions

    model = build_fusion(FRAMES, IMAGE, None, N_CLASSES, n_filters=24, n_units=64, rules=Regularization(dropout=0.4))
    frames, image = keras.Input(FRAMES), keras.Input(IMAGE)
    augmented = random_frames(
        frames, flip=True, shift=0.06, rotation=6, zoom=0.08, brightness=0.2, occlusion=0.25, seed=0
    )
    trainer = keras.Model([frames, image], three_predictions(model)([augmented, image]))
    trainer.compile("adam", modality_dropout_loss(1 / 3, 0.1), jit_compile=False)
    inputs = tuple(rng.random((n_clips, *shape), dtype=np.float32) for shape in (FRAMES, IMAGE))
    labels = np.eye(N_CLASSES, dtype=np.float32)[rng.integers(N_CLASSES, size=n_clips)]
    batches = Batches(inputs, labels, np.ones(n_clips, np.float32), batch_size=16, seed=0)
    return seconds(lambda: trainer.fit(batches, epochs=1, shuffle=False, verbose=0), rounds), model, inputs


def faces(rng, rounds):
    """Return frames per second of the face detector YuNet at 320 x 256, or None without its weights."""
    from savee_mm.vision import available_detectors, make_detector

    if "yunet" not in available_detectors():
        return None
    detector = make_detector("yunet")
    frame = rng.integers(256, size=(256, 320, 3), dtype=np.uint8)
    return 1 / seconds(lambda: detector.detect(frame, landmarks=False), 10 * rounds)


def main(n_clips=360, rounds=3):
    """Print the times as JSON."""
    import tensorflow as tf

    from savee_mm.classifiers._network_file import network_to_bytes, open_network
    from savee_mm.networks.training import traced

    rng = np.random.default_rng(0)
    gpus = tf.config.list_physical_devices("GPU")
    devices = [tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in gpus]
    if not devices:
        print("No GPU: these are times of the processor.", file=sys.stderr)
    epoch_time, model, inputs = epoch(n_clips, rng, rounds)
    batch = [array[:64] for array in inputs]
    in_keras, in_onnx = traced(model), open_network(network_to_bytes(model))
    result = {
        "devices": devices or ["processor"],
        "clips": n_clips,
        "epoch (s)": epoch_time,
        "prediction of 64 clips in Keras (s)": seconds(lambda: in_keras(batch), rounds),
        "prediction of 64 clips in onnxruntime (s)": seconds(lambda: in_onnx.run(None, batch), rounds),
        "YuNet, frames per second": faces(rng, rounds),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
