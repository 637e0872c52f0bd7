import { describe } from "vitest";

import { aliasCases } from "./alias-cases.ts";
import { batchCases } from "./batch-cases.ts";
import { changeCases } from "./change-cases.ts";
import { claimCases } from "./claim-cases.ts";
import { commitCases } from "./commit-cases.ts";
import { edgeCases } from "./edge-cases.ts";
import { flightCases } from "./flight-cases.ts";
import { laneCases } from "./lane-cases.ts";
import { leaseCases } from "./lease-cases.ts";
import { lockCases } from "./lock-cases.ts";
import { modelCases } from "./model-cases.ts";
import { needCases } from "./need-cases.ts";
import { outboxCases } from "./outbox-cases.ts";
import { outputCases } from "./output-cases.ts";
import { policyCases } from "./policy-cases.ts";
import type { OpenFixture } from "./queue-kit.ts";
import { stageCases } from "./stage-cases.ts";
import { stageModelCases } from "./stage-model-cases.ts";

/** What every store of the queue has to keep. `open` gives an empty one, which goes when the test ends. */
export function describeQueueStore(name: string, open: OpenFixture): void {
  describe(`${name}: changes`, () => {
    changeCases(open);
  });
  describe(`${name}: jobs of a scheduler`, () => {
    batchCases(open);
  });
  describe(`${name}: claims`, () => {
    claimCases(open);
  });
  describe(`${name}: commits and machines`, () => {
    commitCases(open);
  });
  describe(`${name}: lanes`, () => {
    laneCases(open);
  });
  describe(`${name}: leases`, () => {
    leaseCases(open);
  });
  describe(`${name}: needs and groups`, () => {
    needCases(open);
  });
  describe(`${name}: locks`, () => {
    lockCases(open);
  });
  describe(`${name}: outbox`, () => {
    outboxCases(open);
  });
  describe(`${name}: edges of the state machine`, () => {
    edgeCases(open);
  });
  describe(`${name}: stages`, () => {
    stageCases(open);
  });
  describe(`${name}: equal stages in flight`, () => {
    flightCases(open);
  });
  describe(`${name}: outputs`, () => {
    outputCases(open);
  });
  describe(`${name}: aliases`, () => {
    aliasCases(open);
  });
  describe(`${name}: policies`, () => {
    policyCases(open);
  });
  describe(`${name}: any history`, () => {
    modelCases(open);
  });
  describe(`${name}: any history of stages`, () => {
    stageModelCases(open);
  });
}
