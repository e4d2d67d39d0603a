"""Writes test/fixtures/niftiAffines.json: small NIfTI files made by nibabel, with the affine, spacing and voxels that
nibabel reads back from them. Run: python test/oracles/nifti_affines.py (nibabel 5, numpy)."""
import base64, itertools, json, pathlib
import nibabel as nib
import numpy as np

SHAPE = (4, 3, 2)
SPACING = np.array([0.7, 0.9, 5.0])
ORIGIN = np.array([-12.5, 33.25, -410.75])
rng = np.random.default_rng(1)


def rotation(axis, degrees):
    axis = np.array(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def affine_of(directions):
    affine = np.eye(4)
    affine[:3, :3] = directions * SPACING
    affine[:3, 3] = ORIGIN
    return affine


def case(name, affine, codes, dtype=np.int16, image=nib.Nifti1Image, slope=None, endianness="<"):
    data = rng.integers(0, 100, SHAPE)
    header = image.header_class(endianness=endianness)
    header.set_data_dtype(np.dtype(dtype).newbyteorder(endianness))
    made = image(data.astype(np.dtype(dtype).newbyteorder(endianness)), affine, header)
    made.set_sform(affine, codes[1])
    made.set_qform(affine if codes[0] else None, codes[0])
    raw = bytearray(made.to_bytes())
    # Two things that nibabel does not write: spacing without a placement, and a scaling that it did not choose itself.
    if not any(codes):
        raw[80:92] = np.array(SPACING, "<f4").tobytes()
    if slope:
        raw[112:120] = np.array(slope, "<f4").tobytes()
    read = image.from_bytes(bytes(raw))
    return {
        "name": name,
        "file": base64.b64encode(bytes(raw)).decode(),
        "dims": list(read.shape),
        "spacingMm": [float(z) for z in read.header.get_zooms()],
        "affine": [float(v) for v in read.affine.ravel()],
        "values": [float(v) for v in read.get_fdata().ravel(order="F")],
    }


cases = []
for signs in itertools.product([1, -1], repeat=3):
    for codes in [(0, 2), (1, 0), (1, 1)]:
        cases.append(case(f"signs {signs}, qform {codes[0]}, sform {codes[1]}", affine_of(np.diag(signs)), codes))
for name, turn in {
    "tilted gantry": rotation([1, 0, 0], 17),
    "tilted, patient axes reversed": rotation([1, 0, 0], 17) @ np.diag([-1, -1, 1]),
    "oblique": rotation([1, 2, 3], 40),
    "oblique, left-handed": rotation([3, -1, 2], 70) @ np.diag([-1, 1, 1]),
    "sagittal": np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], float),
    "half turn about a diagonal": rotation([1, 1, 0], 180),
}.items():
    for codes in [(0, 1), (1, 0), (1, 1)]:
        cases.append(case(f"{name}, qform {codes[0]}, sform {codes[1]}", affine_of(turn), codes))
cases.append(case("neither code is set", None, (0, 0)))
cases.append(case("NIfTI-2", affine_of(rotation([1, 2, 3], 40)), (1, 1), image=nib.Nifti2Image))
for dtype in [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64]:
    for endianness in "<>":
        cases.append(case(f"{np.dtype(dtype).name} {endianness}", affine_of(np.diag([-1, -1, 1])), (1, 1), dtype, endianness=endianness))
cases.append(case("rescaled to HU", affine_of(np.eye(3)), (1, 1), np.uint16, slope=(1, -1024)))
cases.append(case("rescaled by a fraction", affine_of(np.eye(3)), (1, 1), slope=(0.25, -3.5)))
pathlib.Path(__file__).parent.parent.joinpath("fixtures/niftiAffines.json").write_text(json.dumps(cases, indent=1) + "\n")
