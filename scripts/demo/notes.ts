/** A finding that claims the runs support it. */
export function renderFinding(runs: readonly string[]): string {
  return `---
aliases: [F001]
hypothesis: "[[H001]]"
experiment: "[[E001]]"
impact: MEDIUM
created: 2026-01-01
supporting_runs:
${runs.map((id) => `  - { type: job, id: "${id}" }`).join("\n")}
---
# F001: A learning rate of 1.0 reaches the lowest loss in 60 epochs

## Links
- [[H001]]
- [[E001]]
`;
}

export const HYPOTHESIS = `---
aliases: [H001]
status: TESTING
created: 2026-01-01
---
# H001: Softmax regression on iris converges faster with a higher learning rate

## Links
- [[E001]]
`;

export const EXPERIMENT = `---
aliases: [E001]
status: RUNNING
hypothesis: "[[H001]]"
created: 2026-01-01
---
# E001: Learning rate sweep

## Links
- [[H001]]
`;
