"""Writes test/fixtures/dicomReports.json: structured reports (TID 1500) by highdicom about a CT series, their marks in the
series' pixels, and highdicom's own transformation of them into the patient's space.
Run: python test/oracles/dicom_reports.py (highdicom, pydicom, numpy), then node test/oracles/dicomReports.mjs (dcmjs)."""
import base64, io, json, pathlib
import highdicom as hd
import numpy as np
from highdicom import sr
from highdicom.spatial import ImageToReferenceTransformer
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

UID, STUDY, FRAME = "61.7.44", "61.7.44.0.1", "61.7.44.0.2"
DIMS, SPACING, ORIGIN = (40, 30, 6), (0.7, 0.9, 2.5), (-31.25, 12.5, -140.0)
TILT = np.radians(12)
# Directions in LPS: along columns, along rows, across slices.
ACROSS = np.array([[1, 0, 0], [0, np.cos(TILT), np.sin(TILT)], [0, -np.sin(TILT), np.cos(TILT)]])


def position(z):
    return [round(v, 6) for v in np.array(ORIGIN) + ACROSS[2] * SPACING[2] * z]


def ct(z):
    image = Dataset()
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    image.SOPInstanceUID = f"{UID}.{z + 1}"
    image.SeriesInstanceUID, image.StudyInstanceUID, image.FrameOfReferenceUID = UID, STUDY, FRAME
    image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "HOSPITAL-4711", "DOE^JANE", "19510203", "F"
    image.StudyID, image.StudyDate, image.StudyTime, image.AccessionNumber = "1", "20090807", "101500", "7"
    image.Modality, image.Rows, image.Columns = "CT", DIMS[1], DIMS[0]
    return image


SERIES = [ct(z) for z in range(DIMS[2])]
# (column, row), pixel centres at integers.
LESIONS = [
    dict(name="Target 1", tracking="61.7.44.9.1", site=codes.SCT.Liver, category="liver", slice=2, long=[[10, 12.25], [22.5, 14]], short=[[15.5, 9], [14.25, 18.5]]),
    dict(name="Target 2", tracking="61.7.44.9.2", site=codes.SCT.Lung, category="lung", slice=5, long=[[28, 20], [36.5, 27]], short=[[35, 20.75], [30.25, 26.5]]),
]


def in_space(points, z):
    to_space = ImageToReferenceTransformer(position(z), [*ACROSS[0], *ACROSS[1]], [SPACING[1], SPACING[0]])
    return to_space(np.array(points) + 0.5)


def diameter(name, points, lesion, is_3d):
    if is_3d:
        drawn = sr.CoordinatesForMeasurement3D("POLYLINE", in_space(points, lesion["slice"]), FRAME)
    else:
        image = SERIES[lesion["slice"]]
        drawn = sr.CoordinatesForMeasurement(
            "POLYLINE", np.array(points) + 0.5, sr.SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID)
        )
    (ax, ay), (bx, by) = points
    mm = float(np.hypot((bx - ax) * SPACING[0], (by - ay) * SPACING[1]))
    return sr.Measurement(name, round(mm, 3), codes.UCUM.Millimeter, referenced_coordinates=[drawn])


def group(lesion, is_3d, axes=("long", "short")):
    names = {"long": codes.SCT.LongAxis, "short": codes.SCT.ShortAxis}
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=lesion["tracking"], identifier=lesion["name"]),
        finding_type=codes.SCT.Neoplasm,
        finding_sites=[sr.FindingSite(anatomic_location=lesion["site"])],
        measurements=[diameter(names[axis], lesion[axis], lesion, is_3d) for axis in axes],
    )


def report(number, groups, is_3d, syntax):
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_person_context=sr.ObserverContext(
                observer_type=codes.DCM.Person, observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(name="READER^ONE")
            )
        ),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    kind = sr.Comprehensive3DSR if is_3d else sr.ComprehensiveSR
    written = kind(
        evidence=SERIES,
        content=content[0],
        series_instance_uid=f"61.7.44.8.{number}",
        series_number=number,
        sop_instance_uid=f"61.7.44.8.{number}.1",
        instance_number=1,
        manufacturer="none",
        transfer_syntax_uid=syntax,
    )
    written.ContentDate, written.ContentTime = "20240506", f"1015{number:02d}"
    bytes_ = io.BytesIO()
    written.save_as(bytes_, enforce_file_format=True)
    return base64.b64encode(bytes_.getvalue()).decode()


def length_alone():
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid="61.7.44.9.3", identifier="Node"),
        measurements=[diameter(codes.SCT.Length, LESIONS[0]["long"], LESIONS[0], False)],
    )


flat = [group(lesion, False) for lesion in LESIONS]
fixture = {
    "uid": UID,
    "frameOfReference": FRAME,
    "dims": DIMS,
    "spacingMm": SPACING,
    # RAS+, row major.
    "affine": [
        *(float(sign * v) for sign, axis in ((-1, 0), (-1, 1), (1, 2)) for v in [*(ACROSS[i][axis] * SPACING[i] for i in range(3)), ORIGIN[axis]]),
        0, 0, 0, 1,
    ],
    "lesions": [{key: lesion[key] for key in ("name", "tracking", "category", "slice", "long", "short")} for lesion in LESIONS],
    "inSpace": [[in_space(lesion[axis], lesion["slice"]).tolist() for axis in ("long", "short")] for lesion in LESIONS],
    "reports": {
        "highdicom, 2D": report(1, flat, False, ExplicitVRLittleEndian),
        "highdicom, 2D, implicit VR": report(2, flat, False, ImplicitVRLittleEndian),
        "highdicom, 3D": report(3, [group(lesion, True) for lesion in LESIONS], True, ExplicitVRLittleEndian),
    },
    "partial": report(4, [flat[0], length_alone(), group(LESIONS[1], False, ("long",))], False, ExplicitVRLittleEndian),
}
target = pathlib.Path(__file__).parent.parent / "fixtures" / "dicomReports.json"
target.write_text(json.dumps(fixture, indent=1) + "\n")
