/** The notes that say what all the work is for, as a new knowledge base has them. Paths are relative to the repository. */
export const SPECIAL_NOTE_TEXTS: Readonly<Record<string, string>> = {
  "kb/ACTIVE.md": `---
aliases: ["ACTIVE"]
type: active-state
---

# Active State

## Current Objective

<!-- What is being worked on now, in one or two sentences. -->

## Next Step

<!-- The very next thing to do. -->

## Blocker

None.

## Links

- Mission: [[CHALLENGE]]
`,
  "kb/mission/CHALLENGE.md": `---
aliases: ["CHALLENGE"]
type: mission
---

# Mission

## Objective

<!-- What is this research meant to find out or to make possible? -->

## Context

<!-- What is known, what was tried, who needs the answer? -->

## Success Criteria

<!-- How will you know that it is done? -->

## Constraints

<!-- Budget, data, deadlines, rules that every experiment must keep. -->

## Links

- Active state: [[ACTIVE]]
- Dashboard: [[DASHBOARD]]
`,
  "kb/DASHBOARD.md": `---
aliases: ["DASHBOARD"]
type: dashboard
---

# Dashboard

## Entry Points

- \`aexp graph\` draws every thread, hypothesis, experiment and finding.
- \`aexp status\` says what is left to do.

## Links

- Active state: [[ACTIVE]]
- Mission: [[CHALLENGE]]
`,
};
