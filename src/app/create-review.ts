import { isArtifactId } from "../kb/artifact.ts";
import { titleOf } from "../kb/knowledge-base.ts";
import { AexpError } from "../model/errors.ts";
import { type CreatedNote, createNote } from "./create-note.ts";
import { findNote } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/** What a review is about: a target makes it a challenge, a challenge review a strategic one. */
export interface ReviewRequest {
  /** The id of a note, or words. */
  readonly target?: string | undefined;
  readonly reviewer?: string | undefined;
  readonly requestedBy?: string | undefined;
  readonly challengeReviewId?: string | undefined;
  readonly scope?: string | undefined;
}

/** Writes a challenge review or a strategic review. @throws {AexpError} `cli.usage`, and what {@link createNote} throws */
export async function createReview(repo: Repo, request: ReviewRequest): Promise<CreatedNote> {
  const { target, challengeReviewId } = request;
  if (target !== undefined) return await createChallenge(repo, target, request);
  if (challengeReviewId === undefined) throw missing("--target or --challenge-review");
  const { scope } = request;
  if (scope === undefined) throw missing("--scope");
  const challenge = await findNote(repo, challengeReviewId, ["challenge-review"]);
  return await createNote(repo, {
    kind: "strategic-review",
    title: scope,
    parents: { challenge_review: challenge },
    values: { SCOPE: scope, CHALLENGE_REVIEW_ID: challenge.id },
  });
}

async function createChallenge(repo: Repo, target: string, request: ReviewRequest): Promise<CreatedNote> {
  if (request.reviewer === undefined) throw missing("--reviewer");
  const note = isArtifactId(target.toUpperCase()) ? await findNote(repo, target) : undefined;
  const words = note === undefined ? target : `${note.id} ${titleOf(note)}`;
  return await createNote(repo, {
    kind: "challenge-review",
    title: words,
    parents: note === undefined ? {} : { target_id: note },
    values: {
      TARGET: words,
      TARGET_ID: note?.id ?? "",
      TARGET_ID_DISPLAY: note === undefined ? "N/A" : `[[${note.id}]]`,
      REVIEWER: request.reviewer,
      REQUESTED_BY: request.requestedBy ?? request.reviewer,
    },
  });
}

function missing(flag: string): AexpError {
  return new AexpError(`${flag} is missing`, { code: "cli.usage", hint: "See `aexp review new --help`." });
}
