"""Our tests take their data by name, from what neurogister.lock has."""

import pytest
from gradients import drop_unweighted, read_bvals, read_shape


@pytest.fixture(scope="module")
def acquisition(neurogister_data):
    """The folder of one diffusion acquisition."""
    return neurogister_data("lab/acquisition")


@pytest.mark.parametrize("number", range(8))
def test_there_is_a_b_value_for_each_volume(acquisition, number):
    shape = read_shape(acquisition / "dwi.nii.gz")

    assert len(read_bvals(acquisition / "dwi.bval")) == shape[3]


@pytest.mark.parametrize("number", range(8))
def test_unweighted_volumes_go(neurogister_data, number):
    bvals = neurogister_data("lab/acquisition:dwi.bval", writable=True)
    drop_unweighted(bvals)

    assert set(read_bvals(bvals)) == {1000}


@pytest.mark.parametrize("number", range(8))
def test_a_template_has_three_dimensions(neurogister_data, number):
    assert len(read_shape(neurogister_data("template"))) == 3
