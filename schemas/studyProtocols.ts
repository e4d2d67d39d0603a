/** What the two studies of §4.1 ask, and by which keys it is answered (Figs 12 and 13); `study.evaluate` reads these answers. */
export const studyProtocols = {
  acceptance: {
    title: "Acceptance of masks",
    question: "Would you accept this segmentation?",
    layout: "single",
    mode: "independent",
    order: "shuffled",
    answers: [
      { answer: "accept", key: "f", label: "Accept" },
      { answer: "reject", key: "j", label: "Reject" },
    ],
  },
  comparison: {
    title: "Comparison of masks",
    question: "Which of the two segmentations is better?",
    layout: "pair",
    mode: "independent",
    order: "shuffled",
    answers: [
      { answer: "left", key: "f", label: "Left" },
      { answer: "right", key: "j", label: "Right" },
      { answer: "both", key: "b", label: "Both: they cannot be told apart" },
      { answer: "neither", key: "n", label: "Neither is acceptable" },
    ],
  },
} as const;
export type StudyName = keyof typeof studyProtocols;

/** The answers that a study's evaluation understands. */
export const studyAnswers = (study: StudyName): string[] => studyProtocols[study].answers.map(({ answer }) => answer);
