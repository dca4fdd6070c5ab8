"""Sessions of onnxruntime."""

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


def make_session(model, *, keeps_memory=False, on_gpu=True):
    """Return a session of onnxruntime for a path or bytes.

    It runs on one thread, because worker processes use the other cores, or on a GPU where onnxruntime's build for CUDA
    is installed and ``on_gpu`` is True. Inputs of few shapes are faster if it keeps its memory; for many shapes, that
    memory grows.

    Raises
    ------
    ImportError
        If onnxruntime is not installed.
    Exception
        If it cannot run the model. onnxruntime's errors share no base class.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "Encoders and stored networks need the package onnxruntime, which is not installed; run "
            "`pip install 'savee-mm[encoders]'`."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = keeps_memory
    options.log_severity_level = 3
    available = onnxruntime.get_available_providers()
    providers = [name for name in _PROVIDERS if name in available and (on_gpu or name == _PROVIDERS[-1])]
    return onnxruntime.InferenceSession(model, options, providers=providers)
