"""What the reference registry holds: the datasets and packages of ``build_reference_data.py``.

A source is written ``WHEEL:PATH``: a file inside an installed package, or ``stimuli:PATH``: a sound
that ``make_stimuli.py`` makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NILEARN = "nilearn:nilearn/datasets/data"
NIBABEL = "nibabel:nibabel/tests/data"
NICOM = "nibabel:nibabel/nicom/tests/data"
PYDICOM = "pydicom:pydicom/data/test_files"

INVENTED_NAMES = "names and numbers of patients in the headers are invented"


@dataclass(frozen=True)
class Version:
    """One state of a dataset.

    Attributes
    ----------
    note : str
        What is new.
    source : str or mapping of str to str
        Where the one file comes from; for a folder, where each file comes from by its path inside.
    """

    note: str
    source: str | Mapping[str, str]


@dataclass(frozen=True)
class Dataset:
    """One file or folder, with all its versions and what its record says.

    Attributes
    ----------
    path : str
        Its name: the path under ``data/``.
    identifier : str
        The short name that never changes.
    dtype : str
        The kind of data, as named in ``registry.yaml``.
    title, description : str
        For people.
    metadata : mapping
        Free keys and values; shape and voxel size of images are added by the build.
    versions : tuple of Version
        All of them, the newest last.
    license : str, optional
        Only if it differs from the collection's.
    """

    path: str
    identifier: str
    dtype: str
    title: str
    description: str
    metadata: Mapping[str, Any]
    versions: tuple[Version, ...]
    license: str | None = None


@dataclass(frozen=True)
class Member:
    """One dataset of a package, or a part of it.

    Attributes
    ----------
    dataset : str
        Its identifier.
    path : str
        Where it is put in the package.
    part : str, optional
        A file or folder inside a folder dataset; without it, all of the dataset.
    """

    dataset: str
    path: str
    part: str | None = None


@dataclass(frozen=True)
class Release:
    """One version of a package.

    Attributes
    ----------
    version : str
        A semantic version.
    note : str
        What is new.
    members : tuple of Member
        All of them, in the order of ``PACKAGE.yaml``.
    """

    version: str
    note: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Package:
    """A versioned set of datasets for one purpose.

    Attributes
    ----------
    name : str
        ``VENDOR/PACKAGE``.
    title, purpose, description : str
        For people.
    license : str
        What holds for the whole: the licences of the members, joined with AND.
    releases : tuple of Release
        All of them, the newest last.
    """

    name: str
    title: str
    purpose: str
    description: str
    license: str
    releases: tuple[Release, ...] = field(default=())


def _first(source: str | Mapping[str, str]) -> tuple[Version, ...]:
    return (Version(note="first deposit", source=source),)


def _folder(root: str, *paths: str) -> dict[str, str]:
    return {path: f"{root}/{path}" for path in paths}


MNI152 = (
    Dataset(
        path="mni152/t1.nii.gz",
        identifier="mni152-t1",
        dtype="t1w",
        title="MNI152 T1-weighted template, brain only, 1 mm",
        description=(
            "ICBM 2009a nonlinear symmetric average of 152 brains. The skull was removed with the"
            " template's own brain mask and the values rescaled to 8 bit by the nilearn developers."
        ),
        metadata={"modality": "T1w", "space": "MNI152NLin2009aSym", "skull_stripped": True},
        versions=_first(f"{NILEARN}/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"),
    ),
    Dataset(
        path="mni152/gm.nii.gz",
        identifier="mni152-gm",
        dtype="tissue-probability",
        title="MNI152 grey matter map, 1 mm",
        description=(
            "How probable grey matter is in each voxel of the ICBM 2009a nonlinear symmetric"
            " template, rescaled to 8 bit by the nilearn developers."
        ),
        metadata={"tissue": "grey matter", "space": "MNI152NLin2009aSym"},
        versions=_first(f"{NILEARN}/mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz"),
    ),
    Dataset(
        path="mni152/wm.nii.gz",
        identifier="mni152-wm",
        dtype="tissue-probability",
        title="MNI152 white matter map, 1 mm",
        description=(
            "How probable white matter is in each voxel of the ICBM 2009a nonlinear symmetric"
            " template, rescaled to 8 bit by the nilearn developers."
        ),
        metadata={"tissue": "white matter", "space": "MNI152NLin2009aSym"},
        versions=_first(f"{NILEARN}/mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz"),
    ),
)

NIBABEL_EXAMPLES = (
    Dataset(
        path="nibabel-examples/anatomical.nii",
        identifier="nibabel-anatomical",
        dtype="t1w",
        title="Small anatomical image, 2 mm",
        description="A normalised anatomical image as SPM writes it, in big-endian byte order.",
        metadata={"modality": "anatomical", "byte_order": "big"},
        versions=_first(f"{NIBABEL}/anatomical.nii"),
    ),
    Dataset(
        path="nibabel-examples/functional.nii",
        identifier="nibabel-functional",
        dtype="bold",
        title="Small functional image, 20 volumes",
        description="A few slices of a functional series in voxels of 4 mm by 4 mm by 8 mm.",
        metadata={"modality": "functional"},
        versions=_first(f"{NIBABEL}/functional.nii"),
    ),
    Dataset(
        path="nibabel-examples/example4d.nii.gz",
        identifier="nibabel-example4d",
        dtype="bold",
        title="Four-dimensional example image, 2 volumes",
        description="The 4-D NIfTI-1 image of nibabel's documentation, with header extensions.",
        metadata={"modality": "4-D MRI"},
        versions=_first(f"{NIBABEL}/example4d.nii.gz"),
    ),
    Dataset(
        path="nibabel-examples/example_nifti2.nii.gz",
        identifier="nibabel-nifti2",
        dtype="bold",
        title="NIfTI-2 example image, 2 volumes",
        description="A smaller cut of the 4-D example image, in the NIfTI-2 format.",
        metadata={"modality": "4-D MRI", "format": "NIfTI-2"},
        versions=_first(f"{NIBABEL}/example_nifti2.nii.gz"),
    ),
    Dataset(
        path="nibabel-examples/tractograms",
        identifier="nibabel-tractograms",
        dtype="tractogram",
        title="Synthetic tractograms in TRK and TCK",
        description=(
            "The same few streamlines in both formats, both byte orders, with and without values"
            " along them, and empty; and the mask that the standard tractogram was drawn in."
        ),
        metadata={"formats": ["trk", "tck"], "synthetic": True},
        versions=_first(
            {
                "standard.nii.gz": f"{NIBABEL}/standard.nii.gz",
                "tck/empty.tck": f"{NIBABEL}/empty.tck",
                "tck/simple.tck": f"{NIBABEL}/simple.tck",
                "tck/simple_big_endian.tck": f"{NIBABEL}/simple_big_endian.tck",
                "tck/standard.tck": f"{NIBABEL}/standard.tck",
                "trk/complex.trk": f"{NIBABEL}/complex.trk",
                "trk/complex_big_endian.trk": f"{NIBABEL}/complex_big_endian.trk",
                "trk/empty.trk": f"{NIBABEL}/empty.trk",
                "trk/simple.trk": f"{NIBABEL}/simple.trk",
                "trk/standard.LPS.trk": f"{NIBABEL}/standard.LPS.trk",
                "trk/standard.trk": f"{NIBABEL}/standard.trk",
            }
        ),
    ),
    Dataset(
        path="nibabel-examples/phantom-par-rec",
        identifier="nibabel-phantom-par-rec",
        dtype="par-rec",
        title="Philips PAR/REC scans of a phantom",
        description=(
            "One echo-planar scan of a phantom (header and image), and the headers of nine more in"
            " other orientations, from a Philips Achieva."
        ),
        metadata={"manufacturer": "Philips", "model": "Achieva", "subject": "phantom"},
        license="PDDL-1.0",
        versions=_first(
            _folder(
                NIBABEL,
                "phantom_EPI_asc_CLEAR_2_1.PAR",
                "phantom_EPI_asc_CLEAR_2_1.REC",
            )
            | {
                f"orientations/Phantom_EPI_3mm_{name}.PAR": f"{NIBABEL}/Phantom_EPI_3mm_{name}.PAR"
                for name in (
                    "cor_20APtrans_15RLrot_SENSE_15_1",
                    "cor_SENSE_8_1",
                    "sag_15AP_SENSE_13_1",
                    "sag_15FH_SENSE_12_1",
                    "sag_15RL_SENSE_11_1",
                    "sag_SENSE_7_1",
                    "tra_15FH_SENSE_9_1",
                    "tra_15RL_SENSE_10_1",
                    "tra_SENSE_6_1",
                )
            }
        ),
    ),
)

DICOM_EXAMPLES = (
    Dataset(
        path="dicom-examples/CT_small.dcm",
        identifier="dicom-ct-small",
        dtype="dicom",
        title="CT image, 128 by 128 pixels",
        description="One slice, downsized from CT1_UNC of the NEMA WG-04 sample images.",
        metadata={"modality": "CT", "deidentification": INVENTED_NAMES},
        versions=_first(f"{PYDICOM}/CT_small.dcm"),
    ),
    Dataset(
        path="dicom-examples/MR_small.dcm",
        identifier="dicom-mr-small",
        dtype="dicom",
        title="MR image, 64 by 64 pixels",
        description="One slice, downsized from MR1_UNC of the NEMA WG-04 sample images.",
        metadata={"modality": "MR", "deidentification": INVENTED_NAMES},
        versions=_first(f"{PYDICOM}/MR_small.dcm"),
    ),
    Dataset(
        path="dicom-examples/transfer-syntaxes",
        identifier="dicom-mr-syntaxes",
        dtype="dicom",
        title="One MR image in six transfer syntaxes",
        description=(
            "MR_small.dcm with explicit and implicit value representations, in big-endian byte"
            " order, and compressed as RLE, JPEG 2000 and JPEG-LS."
        ),
        metadata={"modality": "MR", "deidentification": INVENTED_NAMES},
        versions=_first(
            _folder(
                PYDICOM,
                "MR_small.dcm",
                "MR_small_RLE.dcm",
                "MR_small_bigendian.dcm",
                "MR_small_implicit.dcm",
                "MR_small_jp2klossless.dcm",
                "MR_small_jpeg_ls_lossless.dcm",
            )
        ),
    ),
    Dataset(
        path="dicom-examples/siemens-trio",
        identifier="dicom-siemens-trio",
        dtype="dicom",
        title="Two anonymised Siemens Trio headers",
        description=(
            "A 3 T image with a fractional rescale slope, and a header with a CSA slice normal"
            " whose pixels were removed."
        ),
        metadata={
            "modality": "MR",
            "manufacturer": "Siemens",
            "model": "TrioTim",
            "deidentification": "all names and numbers replaced with Anon",
        },
        versions=_first(_folder(NICOM, "csa_slice_norm.dcm", "decimal_rescale.dcm")),
    ),
    Dataset(
        path="dicom-examples/pcir-fileset",
        identifier="dicom-pcir-fileset",
        dtype="dicom",
        title="A DICOM file-set: two patients, six studies, with its DICOMDIR",
        description=(
            "Images (CR, CT, MR) from the Patient Contributed Image Repository, scaled down to 16"
            " by 16 pixels, as they would lie on a disc: no file extensions, one DICOMDIR for all."
        ),
        metadata={
            "modality": ["CR", "CT", "MR"],
            "deidentification": "by pcir.org with dcanon; names invented, dates changed",
        },
        versions=_first(
            _folder(
                f"{PYDICOM}/dicomdirtests",
                "77654033/CR1/6154",
                "77654033/CR2/6247",
                "77654033/CR3/6278",
                "77654033/CT2/17106",
                "77654033/CT2/17136",
                "77654033/CT2/17166",
                "77654033/CT2/17196",
                "98892001/CT2N/6293",
                "98892001/CT2N/6924",
                "98892001/CT5N/2062",
                "98892001/CT5N/2392",
                "98892001/CT5N/2693",
                "98892001/CT5N/3023",
                "98892001/CT5N/3353",
                "98892003/MR1/15820",
                "98892003/MR1/4919",
                "98892003/MR1/5641",
                "98892003/MR2/15970",
                "98892003/MR2/4950",
                "98892003/MR2/4981",
                "98892003/MR2/5011",
                "98892003/MR2/6273",
                "98892003/MR2/6605",
                "98892003/MR2/6935",
                "98892003/MR700/4467",
                "98892003/MR700/4528",
                "98892003/MR700/4558",
                "98892003/MR700/4588",
                "98892003/MR700/4618",
                "98892003/MR700/4648",
                "98892003/MR700/4678",
                "DICOMDIR",
            )
        ),
    ),
)

STIMULI = (
    Dataset(
        path="stimuli/tone-440hz.wav",
        identifier="tone-440hz",
        dtype="audio",
        title="Pure tone, 440 Hz, 0.5 s",
        description="Concert pitch, with 10 ms raised-cosine ramps.",
        metadata={"frequency_hz": 440, "ramp_ms": 10},
        versions=_first("stimuli:tone-440hz.wav"),
    ),
    Dataset(
        path="stimuli/tone-1000hz.wav",
        identifier="tone-1000hz",
        dtype="audio",
        title="Pure tone, 1000 Hz, 0.5 s",
        description="With 10 ms raised-cosine ramps.",
        metadata={"frequency_hz": 1000, "ramp_ms": 10},
        versions=_first("stimuli:tone-1000hz.wav"),
    ),
    Dataset(
        path="stimuli/tone-1000hz-am-4hz.wav",
        identifier="tone-am-4hz",
        dtype="audio",
        title="Amplitude-modulated tone, 1000 Hz at 4 Hz, 1 s",
        description="A 1000 Hz tone, fully modulated four times in a second: the rhythm of speech.",
        metadata={"frequency_hz": 1000, "modulation_hz": 4},
        versions=_first("stimuli:tone-1000hz-am-4hz.wav"),
    ),
    Dataset(
        path="stimuli/sweep-100hz-8000hz.wav",
        identifier="sweep-100-8000hz",
        dtype="audio",
        title="Linear sweep, 100 Hz to 8000 Hz, 1 s",
        description="The frequency rises evenly in time; with 10 ms raised-cosine ramps.",
        metadata={"start_hz": 100, "end_hz": 8000, "ramp_ms": 10},
        versions=_first("stimuli:sweep-100hz-8000hz.wav"),
    ),
    Dataset(
        path="stimuli/noise-white.wav",
        identifier="noise-white",
        dtype="audio",
        title="White noise, 0.5 s",
        description="Uniformly distributed samples from a fixed seed.",
        metadata={"seed": 20261121, "ramp_ms": 10},
        versions=(
            Version(note="first deposit", source="stimuli:noise-white-1.wav"),
            Version(note="10 ms ramps, as it clicked", source="stimuli:noise-white-2.wav"),
        ),
    ),
    Dataset(
        path="stimuli/tone-ladder",
        identifier="tone-ladder",
        dtype="audio",
        title="Tones in octaves from 125 Hz to 8000 Hz, 0.25 s each",
        description="The frequencies of a pure-tone audiogram, with 10 ms raised-cosine ramps.",
        metadata={"frequency_hz": [125, 250, 500, 1000, 2000, 4000, 8000], "ramp_ms": 10},
        versions=_first(
            {
                f"{part}hz.wav": f"stimuli:tone-ladder/{part}hz.wav"
                for part in (
                    "low/125",
                    "low/250",
                    "low/500",
                    "high/1000",
                    "high/2000",
                    "high/4000",
                    "high/8000",
                )
            }
        ),
    ),
)

DATASETS = (*MNI152, *NIBABEL_EXAMPLES, *DICOM_EXAMPLES, *STIMULI)

_QUICKSTART = (
    Member("mni152-t1", "anat/mni152_t1.nii.gz"),
    Member("nibabel-functional", "func/functional.nii"),
    Member("nibabel-tractograms", "tractography/standard.trk", part="trk/standard.trk"),
    Member("nibabel-tractograms", "tractography/mask.nii.gz", part="standard.nii.gz"),
)

PACKAGES = (
    Package(
        name="neurogister/quickstart",
        title="Quickstart",
        purpose="First steps: one small file of each common kind",
        description="What the tutorial pulls: a template, a functional series, a tractogram.",
        license="LicenseRef-MNI-ICBM152 AND BSD-3-Clause AND MIT AND CC0-1.0",
        releases=(
            Release("1.0.0", note="first release", members=_QUICKSTART),
            Release(
                "1.1.0",
                note="a DICOM image and a sound added",
                members=(
                    *_QUICKSTART,
                    Member("dicom-mr-small", "dicom/MR_small.dcm"),
                    Member("tone-am-4hz", "stimuli/am-tone.wav"),
                ),
            ),
        ),
    ),
    Package(
        name="neurogister/dicom-readers",
        title="DICOM for readers",
        purpose="Tests of programs that read DICOM",
        description="Transfer syntaxes, a file-set with its DICOMDIR, private Siemens headers.",
        license="MIT",
        releases=(
            Release(
                "1.0.0",
                note="first release",
                members=(
                    Member("dicom-ct-small", "images/CT_small.dcm"),
                    Member("dicom-mr-small", "images/MR_small.dcm"),
                    Member("dicom-mr-syntaxes", "transfer-syntaxes"),
                    Member("dicom-pcir-fileset", "fileset"),
                    Member("dicom-siemens-trio", "siemens"),
                ),
            ),
        ),
    ),
    Package(
        name="auditory-lab/tones",
        title="Tones",
        purpose="Stimuli for hearing experiments and for tests of programs that play them",
        description="An audiogram's tones, a modulated tone, a sweep, and noise.",
        license="CC0-1.0",
        releases=(
            Release(
                "1.0.0",
                note="first release",
                members=(
                    Member("tone-ladder", "ladder"),
                    Member("tone-am-4hz", "modulated/am-4hz.wav"),
                    Member("sweep-100-8000hz", "sweep.wav"),
                    Member("noise-white", "noise.wav"),
                ),
            ),
        ),
    ),
)
