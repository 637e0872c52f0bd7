import type { NoteKind } from "./artifact.ts";

/**
 * The templates of new notes. The headings and the `{PLACEHOLDERS}` are shared with the Python package
 * `agentic-experiments`, so that either tool reads what the other wrote. Guidance stands in comments: it is shown while
 * writing and is gone when the note is rendered.
 */
export const OWN_TEMPLATES: Readonly<Record<NoteKind, string>> = {
  thread: `---
id: "{ARTIFACT_ID}"
aliases: ["{ARTIFACT_ID}"]
type: thread
# PROPOSED, EXPLORING, PROMOTED or CLOSED
status: PROPOSED
created: "{DATE}"
last_updated: "{DATE}"
tags: []
---

# {ARTIFACT_ID} — {TITLE}

## Statement

<!-- The open question, wider than any one hypothesis, and why it matters. -->

## Sub-questions

<!-- Questions narrow enough to become a hypothesis each. -->

## Promotion criteria

<!-- What must be known or built before the first hypothesis is worth writing? -->

## Open links

<!-- Papers, code, people, earlier attempts. -->

## Notes

<!-- Dated thoughts, newest last. -->

## Conclusion

<!-- Why the thread ended, and what carries on. \`aexp thread close\` writes it. -->

## Links

{LINKS_BLOCK}
`,
  hypothesis: `---
id: "{ARTIFACT_ID}"
aliases: ["{ARTIFACT_ID}"]
type: hypothesis
# PROPOSED, TESTING, CONFIRMED or REJECTED
status: PROPOSED
thread: "{THREAD_ID}"
created: "{DATE}"
last_updated: "{DATE}"
tags: []
---

# {ARTIFACT_ID} — {TITLE}

## Statement

<!-- One sentence that an experiment could prove wrong: what changes, by how much, compared with what. -->

## Mechanism

<!-- Why should it be so? What would you expect to see besides the headline number? -->

## Why This Might Generalize

<!-- What makes you think that it holds beyond this data set, model and budget? -->

## Shortcut Risks

<!-- How could the number improve without the claim being true? Leaks, tuning of one side, an easier subset. -->

## Test Plan

<!-- Choose one, and say so before the first run.
Pre-registered: metric, comparison, number of seeds, and the thresholds that confirm or reject.
Exploratory: what you hope to learn; such runs suggest claims and confirm none. -->

## Evidence

<!-- What speaks for or against it so far: sources, earlier findings, measurements. -->

## Conclusion

<!-- Confirmed or rejected, by which findings, and within which limits. -->

## Links

{LINKS_BLOCK}
`,
  experiment: `---
id: "{ARTIFACT_ID}"
aliases: ["{ARTIFACT_ID}"]
type: experiment
# DESIGNED, RUNNING, COMPLETED or FAILED
status: DESIGNED
hypothesis: "{HYPOTHESIS_ID}"
created: "{DATE}"
completed: ""
tags: []
# The command of a run; {key} stands for a parameter, {sp_json} for all of them, {job_id} for the id of the run.
runner_command: ""
# Named sets of parameters: \`aexp run --experiment {ARTIFACT_ID} --sp condition=NAME\` takes those of NAME.
#   conditions:
#     baseline: {lr: 0.1, layers: 2}
#     deep: {lr: 0.1, layers: 8}
conditions: {}
---

# {ARTIFACT_ID} — {TITLE}

## Objective

<!-- What will be known afterwards that is not known now? -->

## Setup

<!-- Code, data and its split, hardware, software, what is held fixed and what is varied, seeds. -->

## Procedure

<!-- The steps, so that somebody else could repeat them. -->

## Caveats

<!-- Deviations from the plan, what was not measured. "None" is an answer. -->

## Intent

<!-- Pre-registered: confirm if …, reject if ….
Exploratory: what you want to see; nothing is confirmed. -->

## Progress

<!-- What was done when. -->

## Results

<!-- Numbers, and the runs that they come from. -->

## Outcome Summary

<!-- What was seen in these runs. What follows from it in general belongs into a finding. -->

## Decision

<!-- Repeat, extend, stop, or write the finding? -->

## Links

{LINKS_BLOCK}
`,
  finding: `---
id: "{ARTIFACT_ID}"
aliases: ["{ARTIFACT_ID}"]
type: finding
hypothesis: "{HYPOTHESIS_ID}"
experiment: "{EXPERIMENT_ID}"
# CRITICAL, HIGH, MEDIUM or LOW
impact: "{IMPACT}"
created: "{DATE}"
tags: []
---

# {ARTIFACT_ID} — {TITLE}

## Finding

<!-- One sentence: what was established, with its number, its spread and its conditions. -->

## Evidence

<!-- What supports it. The table of the cited runs is kept below by \`aexp finding refresh\`. -->

## Caveats

<!-- What limits how far it can be believed: number of seeds, one data set, confounds found later. -->

## What Improved For Real

<!-- What can be done now that could not be done before, beyond the number? -->

## Remaining Debt

<!-- Workarounds, open risks, checks that are still owed. -->

## Next Move

<!-- What should be done because of it? -->

## Links

{LINKS_BLOCK}
`,
  literature: `---
id: "{ARTIFACT_ID}"
aliases: ["{ARTIFACT_ID}"]
type: literature
# PAPER, BLOG, REPO, BENCHMARK, SURVEY or OTHER
source_type: "{SOURCE_TYPE}"
# HIGH, MEDIUM or LOW
relevance: "{RELEVANCE}"
source_url: "{SOURCE_URL}"
date_reviewed: "{DATE}"
tags: []
---

# {ARTIFACT_ID} — {TITLE}

## Source

<!-- Title, authors, year, where to find it. -->

## Summary

<!-- What it did and what it found, in your own words. -->

## Useful Ideas

<!-- What could be tried or reused here. -->

## Limits

<!-- What it does not show, and where its setting differs from yours. -->

## Relevance To The Mission

<!-- Which thread or hypothesis does it bear on, and how? -->

## Links

{LINKS_BLOCK}
`,
  "challenge-review": `---
id: "{ARTIFACT_ID}"
aliases: ["{ARTIFACT_ID}"]
type: challenge-review
target: "{TARGET}"
target_id: "{TARGET_ID}"
requested_by: "{REQUESTED_BY}"
reviewer: "{REVIEWER}"
date: "{DATE}"
tags: []
---

# {ARTIFACT_ID} — Challenge Review: {TARGET}

> **Date**: {DATE}

## Summary

<!-- The strongest objection, in two sentences. -->

## Critical Issues

<!-- What must be answered before the claim may be used? -->

## Alternative Explanations

<!-- What else would give the same numbers? How could one tell? -->

## What Still Looks Solid

<!-- What survives the objections? -->

## Recommendations

<!-- What to run, check or rewrite, most important first. -->

## Links

{LINKS_BLOCK}
`,
  "strategic-review": `---
id: "{ARTIFACT_ID}"
aliases: ["{ARTIFACT_ID}"]
type: strategic-review
scope: "{SCOPE}"
challenge_review: "{CHALLENGE_REVIEW_ID}"
date: "{DATE}"
tags: []
---

# {ARTIFACT_ID} — Strategic Review: {SCOPE}

> **Date**: {DATE}

## Executive Summary

<!-- Where things stand and what should change, for somebody who reads only this. -->

## Current Ceiling

<!-- How far can the present direction go, and what will it never reach? -->

## Direction Decision

<!-- Continue, narrow, start over, or turn elsewhere; and why. -->

## Next Steps

<!-- Who does what next. -->

## Links

{LINKS_BLOCK}
`,
};
