"""The public names of the library, and what their import loads."""

import subprocess
import sys

import pytest

import savee_mm


@pytest.mark.parametrize("name", savee_mm.__all__)
def test_every_public_name_is_importable(name):
    assert getattr(savee_mm, name) is not None


def test_dir_lists_names_that_are_not_loaded_yet():
    assert set(savee_mm.__all__) <= set(dir(savee_mm))
    assert "systems" in dir(savee_mm)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No savee_mm attribute Fusion"):
        _ = savee_mm.Fusion


def test_import_loads_no_heavy_library():
    heavy = {"tensorflow", "keras", "cv2", "librosa", "parselmouth", "av", "skimage", "sklearn", "matplotlib"}
    code = f"import savee_mm, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_kernels_load_neither_tensorflow_nor_librosa():
    code = "import savee_mm.signal, savee_mm.media, sys; print({'tensorflow', 'keras', 'librosa'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
