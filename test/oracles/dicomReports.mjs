// Adds to test/fixtures/dicomReports.json the same marks as dcmjs writes them, the library of OHIF's viewer, once with codes of
// SNOMED CT and once of SNOMED RT, as older versions wrote them.
// Run after dicom_reports.py: node test/oracles/dicomReports.mjs FOLDER, with dcmjs in FOLDER/node_modules.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const dcmjs = createRequire(path.resolve(process.argv[2], "_.js"))("dcmjs").default;
const { TID300, TID1500 } = dcmjs.utilities;
const { DicomDict, DicomMetaDictionary } = dcmjs.data;
const fixtureFile = new URL("../fixtures/dicomReports.json", import.meta.url);
const fixture = JSON.parse(readFileSync(fixtureFile, "utf8"));

const REPORT = "1.2.840.10008.5.1.4.1.1.88.33";
const CT = "1.2.840.10008.5.1.4.1.1.2";
const SITES = { liver: ["10200004", "T-62000", "Liver"], lung: ["39607008", "T-28000", "Lung"] };
const point = ([x, y]) => ({ x: x + 0.5, y: y + 0.5 });
const lengthOf = ([[ax, ay], [bx, by]]) => Math.hypot((bx - ax) * fixture.spacingMm[0], (by - ay) * fixture.spacingMm[1]);

function bidirectional({ name, tracking, category, slice, long, short }, isOld) {
  const [sct, srt, CodeMeaning] = SITES[category];
  return new TID300.Bidirectional({
    longAxis: { point1: point(long[0]), point2: point(long[1]) },
    shortAxis: { point1: point(short[0]), point2: point(short[1]) },
    longAxisLength: lengthOf(long),
    shortAxisLength: lengthOf(short),
    trackingIdentifierTextValue: name,
    trackingUniqueIdentifier: tracking,
    findingSites: [{ CodeValue: isOld ? srt : sct, CodingSchemeDesignator: isOld ? "SRT" : "SCT", CodeMeaning }],
    ReferencedSOPSequence: { ReferencedSOPClassUID: CT, ReferencedSOPInstanceUID: `${fixture.uid}.${slice + 1}` },
  });
}

function report(number, isOld) {
  const group = new TID1500.TID1501MeasurementGroup(fixture.lesions.map((lesion) => bidirectional(lesion, isOld)));
  const content = new TID1500.TID1500MeasurementReport({ TID1501MeasurementGroups: [group] }).contentItem({
    StudyInstanceUID: `${fixture.uid}.0.1`,
    SeriesInstanceUID: fixture.uid,
  });
  const meta = {
    MediaStorageSOPClassUID: REPORT,
    MediaStorageSOPInstanceUID: `${fixture.uid}.8.${number}.1`,
    TransferSyntaxUID: "1.2.840.10008.1.2.1",
    ImplementationClassUID: "2.25.1",
  };
  const data = {
    ...content,
    SOPClassUID: REPORT,
    SOPInstanceUID: meta.MediaStorageSOPInstanceUID,
    Modality: "SR",
    ValueType: "CONTAINER",
    ContentDate: "20240506",
    ContentTime: `1015${String(number).padStart(2, "0")}`,
  };
  const file = new DicomDict(DicomMetaDictionary.denaturalizeDataset(meta));
  file.dict = DicomMetaDictionary.denaturalizeDataset(data);
  let bytes = Buffer.from(file.write());
  if (isOld)
    // Codes of the same meaning and length.
    for (const [now, before] of [
      ["103339001", "G-A185"],
      ["103340004", "G-A186"],
      ["363698007", "G-C0E3"],
    ])
      bytes = Buffer.from(bytes.toString("latin1").replaceAll(now, before.padEnd(now.length, " ")), "latin1");
  return bytes.toString("base64");
}

fixture.reports.dcmjs = report(11, false);
fixture.reports["dcmjs, SNOMED RT"] = report(12, true);
writeFileSync(fixtureFile, `${JSON.stringify(fixture, null, 1)}\n`);
