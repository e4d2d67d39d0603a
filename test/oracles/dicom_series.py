"""Writes test/fixtures/dicomSeries.json: small CT series written by GDCM (through SimpleITK), with the RAS affine and
the voxels that SimpleITK reads back from them. Run: python test/oracles/dicom_series.py (SimpleITK, numpy)."""
import base64, json, os, pathlib, tempfile
import numpy as np
import SimpleITK as sitk

rng = np.random.default_rng(3)


def rotation(axis, degrees):
    axis = np.array(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def write(folder, image, uid, compress=False):
    """One file per slice, named so that the file order is not the order of the positions."""
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetUseCompression(compress)
    if compress:
        writer.SetCompressor("JPEG2000")
    direction = np.array(image.GetDirection()).reshape(3, 3)
    for z in range(image.GetSize()[2]):
        slice_ = image[:, :, z]
        meta = {
            "0008|0060": "CT", "0008|0016": "1.2.840.10008.5.1.4.1.1.2", "0020|000e": uid, "0020|000d": uid + ".1",
            "0008|0018": f"{uid}.2.{z}", "0020|0013": str(z),
            "0020|0032": "\\".join("%.6f" % v for v in image.TransformIndexToPhysicalPoint((0, 0, z))),
            "0020|0037": "\\".join(f"{v:.8f}" for v in direction.T[:2].ravel()),
            "0018|0050": str(image.GetSpacing()[2]),
        }
        for key, value in meta.items():
            slice_.SetMetaData(key, value)
        writer.SetFileName(os.path.join(folder, f"{(z * 5 + 2) % 7}.dcm"))
        writer.Execute(slice_)


def case(name, directions, uid, compress=False):
    values = rng.integers(-1000, 1200, (4, 8, 16)).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7, 0.9, 2.5))
    image.SetOrigin((-120.5, 33.25, -410.75))
    image.SetDirection(directions.ravel().tolist())
    with tempfile.TemporaryDirectory() as folder:
        write(folder, image, uid, compress)
        files = {f: base64.b64encode(pathlib.Path(folder, f).read_bytes()).decode() for f in sorted(os.listdir(folder))}
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
        read = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(read.GetDirection()).reshape(3, 3) * np.array(read.GetSpacing())
    affine[:3, 3] = read.GetOrigin()
    affine = np.diag([-1, -1, 1, 1]) @ affine
    return {"name": name, "files": files, "dims": read.GetSize(), "spacingMm": read.GetSpacing(), "affine": affine.ravel().tolist(),
            "values": sitk.GetArrayFromImage(read).ravel().astype(float).tolist()}


cases = [
    case("axial", np.eye(3), "1.2.3.1"),
    case("feet first: row and slice reversed", np.diag([-1.0, 1, -1]), "1.2.3.2"),
    case("oblique", rotation([1, 2, 3], 25), "1.2.3.3"),
    case("sagittal", np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]), "1.2.3.4"),
    case("compressed", np.eye(3), "1.2.3.5", compress=True),
]
pathlib.Path(__file__).parent.parent.joinpath("fixtures/dicomSeries.json").write_text(json.dumps(cases, indent=1) + "\n")
