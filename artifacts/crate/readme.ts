import {
  attestationsFile,
  campaignFile,
  manifestsFile,
  metadataFile,
  pipelineFile,
  publicKeyFile,
  recordsFile,
  sourceFile,
} from "./layout.ts";

/** What a person finds in the folder, who may not have recist3d. */
export const readme = (campaign: string): string => `# Campaign ${campaign}

What a campaign of recist3d ran, what it gave, and where every number came from.

- \`${metadataFile}\`: the same for programs, an RO-Crate (Provenance Run Crate 0.5)
- \`${sourceFile}\`, \`${pipelineFile}\`: the pipeline as it was written, and as it was run
- \`${campaignFile}\`: which records answer the steps
- \`${recordsFile}\`: a record of every action. The SHA-256 of a line, without its line feed, is the record's digest
- \`${manifestsFile}\`: likewise what every artifact is made of; its digest is the artifact's
- \`artifacts/<digest>/\`: files of artifacts. What is not here was left out, and is named by its digest
- \`${attestationsFile}\`: an in-toto statement for every record, in their order, and one for this crate; each in a DSSE envelope
- \`${publicKeyFile}\`: the Ed25519 key that they are signed with. Ask who gave you the crate whether it is theirs

\`recist3d verify crate FOLDER --key PUB.pem\` checks all of it.
`;
