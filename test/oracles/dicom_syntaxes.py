"""Writes test/fixtures/dicomSyntaxes.json: one slice of a phantom in every transfer syntax that CT is stored in, written by DCMTK,
GDCM, pydicom (CharLS, OpenJPEG) and OpenJPH (imagecodecs), with the HU that pydicom reads back from lossy ones; and an enhanced CT
of four frames. Run: python test/oracles/dicom_syntaxes.py (pip: numpy pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg
pylibjpeg-rle pyjpegls imagecodecs python-gdcm; DCMTK's programs)."""
import base64, io, json, pathlib, subprocess, tempfile
import gdcm, imagecodecs, numpy as np, pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom import uid as UID

rng = np.random.default_rng(8)
SHAPE = (32, 36)
SPACING, ORIGIN, STEP = (0.75, 0.5), (-12.5, 30.25, -410.0), 2.5


def phantom(z=0):
    """Body with a vessel and a bone in air, with noise, in HU."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    hu = np.where(((x - 18) / 16) ** 2 + ((y - 16) / 12) ** 2 <= 1, 40, -1000)
    hu = np.where((x - 12 - z) ** 2 + (y - 14) ** 2 <= 9, 220, hu)
    hu = np.where((x - 25) ** 2 + (y - 17) ** 2 <= 5, 1450, hu)
    return np.clip(hu + rng.normal(0, 12, SHAPE), -1024, 3071).round().astype(np.int16)


def ct(hu, signed, z=0):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID.CTImageStorage, f"1.2.3.9.{z + 1}"
    meta.TransferSyntaxUID = UID.ExplicitVRLittleEndian
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.SOPClassUID, d.SOPInstanceUID, d.Modality = UID.CTImageStorage, f"1.2.3.9.{z + 1}", "CT"
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "1.2.3.7", "1.2.3.8", "1.2.3.6"
    d.InstanceNumber, d.SliceThickness = z + 1, STEP
    d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = *hu.shape, 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.PixelRepresentation = 16, 16 if signed else 12, int(signed)
    d.HighBit = d.BitsStored - 1
    d.PixelSpacing, d.ImageOrientationPatient = list(SPACING), [1, 0, 0, 0, 1, 0]
    d.ImagePositionPatient = [ORIGIN[0], ORIGIN[1], ORIGIN[2] + STEP * z]
    d.RescaleSlope, d.RescaleIntercept, d.RescaleType = 1, 0 if signed else -1024, "HU"
    stored = hu if signed else (hu + 1024).astype(np.uint16)
    d.PixelData = stored.tobytes()
    d["PixelData"].VR = "OW"
    return d


def written(d):
    file = io.BytesIO()
    d.save_as(file, enforce_file_format=True)
    return file.getvalue()


def program(*command):
    def run(d):
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder, "a.dcm"), pathlib.Path(folder, "b.dcm")
            source.write_bytes(written(d))
            subprocess.run([*command, source, target], check=True, capture_output=True)
            return target.read_bytes()
    return run


def by_pydicom(syntax, **options):
    def run(d):
        d.compress(syntax, generate_instance_uid=False, **options)
        return written(d)
    return run


def by_openjph(syntax, reversible):
    def run(d):
        d.PixelData = encapsulate([bytes(imagecodecs.htj2k_encode(d.pixel_array.copy(), reversible=reversible))])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        d.file_meta.TransferSyntaxUID = syntax
        return written(d)
    return run


def by_gdcm(syntax):
    def run(d):
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder, "a.dcm"), pathlib.Path(folder, "b.dcm")
            source.write_bytes(written(d))
            reader = gdcm.ImageReader()
            reader.SetFileName(str(source))
            assert reader.Read()
            change = gdcm.ImageChangeTransferSyntax()
            change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
            change.SetInput(reader.GetImage())
            assert change.Change()
            writer = gdcm.ImageWriter()
            writer.SetFile(reader.GetFile())
            writer.SetImage(change.GetOutput())
            writer.SetFileName(str(target))
            assert writer.Write()
            return target.read_bytes()
    return run


LOSSLESS = [
    ("implicit little endian (DCMTK)", program("dcmconv", "+ti")),
    ("explicit big endian (DCMTK)", program("dcmconv", "+tb")),
    ("deflated (DCMTK)", program("dcmconv", "+td")),
    ("RLE (DCMTK)", program("dcmcrle")),
    ("RLE (GDCM)", by_gdcm(gdcm.TransferSyntax.RLELossless)),
    ("JPEG lossless, process 14, predictor 4 (DCMTK)", program("dcmcjpeg", "+el", "+sv", "4")),
    ("JPEG lossless, process 14, predictor 7 (DCMTK)", program("dcmcjpeg", "+el", "+sv", "7")),
    ("JPEG lossless, first order (DCMTK)", program("dcmcjpeg", "+e1")),
    ("JPEG lossless, first order, in fragments of 1 kB (DCMTK)", program("dcmcjpeg", "+e1", "+fs", "1")),
    ("JPEG lossless, first order (GDCM)", by_gdcm(gdcm.TransferSyntax.JPEGLosslessProcess14_1)),
    ("JPEG-LS lossless (DCMTK)", program("dcmcjpls", "+el")),
    ("JPEG-LS lossless (pydicom)", by_pydicom(UID.JPEGLSLossless)),
    ("JPEG 2000 lossless (pydicom)", by_pydicom(UID.JPEG2000Lossless)),
    ("JPEG 2000 lossless (GDCM)", by_gdcm(gdcm.TransferSyntax.JPEG2000Lossless)),
    ("HTJ2K lossless (OpenJPH)", by_openjph(UID.HTJ2KLossless, True)),
]
LOSSY = [
    ("JPEG-LS near-lossless (pydicom)", by_pydicom(UID.JPEGLSNearLossless, jls_error=3)),
    ("JPEG 2000 (pydicom)", by_pydicom(UID.JPEG2000, j2k_cr=[4])),
    ("HTJ2K (OpenJPH)", by_openjph(UID.HTJ2K, False)),
]
UNREAD = [("JPEG extended (DCMTK)", program("dcmcjpeg", "+ee"))]


def coded(array):
    return base64.b64encode(np.ascontiguousarray(array, "<i2").tobytes()).decode()


def read(file):
    d = pydicom.dcmread(io.BytesIO(file))
    return d.pixel_array.astype(int) * int(d.RescaleSlope) + int(d.RescaleIntercept)


hu = phantom()
slices = []
for kind, list_ in (("lossless", LOSSLESS), ("lossy", LOSSY), ("unread", UNREAD)):
    for signed in (False, True):
        for name, encode in list_:
            file = encode(ct(hu, signed))
            values = read(file)
            if kind == "lossless":
                assert np.array_equal(values, hu), name
            slices.append({"name": f"{name}, {'signed 16' if signed else 'unsigned 12'} bit", "kind": kind,
                           "file": base64.b64encode(file).decode(), **({"hu": coded(values)} if kind == "lossy" else {})})


def enhanced(volume):
    """Enhanced CT: positions and rescaling per frame, frames in no order; the rest shared."""
    d = ct(volume[0], False)
    d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = UID.EnhancedCTImageStorage
    for name in ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope", "RescaleIntercept", "RescaleType", "SliceThickness"):
        del d[name]

    def item(**values):
        one = Dataset()
        for name, value in values.items():
            setattr(one, name, value)
        return one

    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([item(PixelSpacing=list(SPACING), SliceThickness=STEP)])
    shared.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])
    order = [2, 0, 3, 1]
    frames = []
    for n, z in enumerate(order):
        frame = Dataset()
        frame.FrameContentSequence = Sequence([item(StackID="1", InStackPositionNumber=z + 1, DimensionIndexValues=[1, z + 1])])
        frame.PlanePositionSequence = Sequence([item(ImagePositionPatient=[ORIGIN[0], ORIGIN[1], ORIGIN[2] + STEP * z])])
        frame.PixelValueTransformationSequence = Sequence([item(RescaleSlope=1, RescaleIntercept=-1024 - n, RescaleType="HU")])
        frame.CTImageFrameTypeSequence = Sequence([item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])])
        frames.append(frame)
    d.SharedFunctionalGroupsSequence, d.PerFrameFunctionalGroupsSequence = Sequence([shared]), Sequence(frames)
    d.NumberOfFrames = len(order)
    d.PixelData = np.stack([volume[z] + 1024 + n for n, z in enumerate(order)]).astype(np.uint16).tobytes()
    d["PixelData"].VR = "OW"
    return d


volume = np.stack([phantom(z) for z in range(4)])
multi = []
for name, encode in (("explicit little endian", written), ("RLE (DCMTK)", program("dcmcrle")), ("JPEG-LS (DCMTK)", program("dcmcjpls", "+el")),
                     ("JPEG lossless in fragments of 1 kB, with an offset table (DCMTK)", program("dcmcjpeg", "+e1", "+fs", "1", "+ot")),
                     ("JPEG 2000 (pydicom)", by_pydicom(UID.JPEG2000Lossless))):
    multi.append({"name": name, "file": base64.b64encode(encode(enhanced(volume))).decode()})

pathlib.Path(__file__).parent.parent.joinpath("fixtures/dicomSyntaxes.json").write_text(json.dumps({
    "rows": SHAPE[0], "columns": SHAPE[1], "hu": coded(hu), "slices": slices, "volume": coded(volume), "enhanced": multi}, indent=1) + "\n")
