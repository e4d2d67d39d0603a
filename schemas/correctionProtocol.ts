/** What is asked of people who correct masks, and by which keys it is answered; `labels.revise` reads these answers. */
export const correctionProtocol = {
  title: "Masks to correct",
  question: "Correct the mask, leave it as it is, or leave the lesion out.",
  layout: "edit",
  mode: "shared",
  answers: [
    { answer: "edited", key: "s", label: "Corrected", mask: true },
    { answer: "unchanged", key: "k", label: "Leave the mask as it is" },
    { answer: "exclude", key: "d", label: "Leave the lesion out" },
  ],
} as const;
