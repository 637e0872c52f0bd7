import { listPolicies } from "../../app/list-policies.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type PolicyJson, renderPolicies, toPolicyJson } from "../../cli/render/policies.ts";
import { screenOf } from "../../cli/screen.ts";
import { currentUser } from "../../wiring/current-user.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class PolicyList extends BaseCommand {
  static override summary = "List the policies of aexp.yaml, and what each has submitted on this machine.";
  static override examples = ["<%= config.bin %> policy list"];

  override async run(): Promise<readonly PolicyJson[]> {
    const { flags } = await this.parse(PolicyList);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const policies = await listPolicies(repo, store, currentUser());
    this.log(
      policies.length === 0
        ? "aexp.yaml has no policies."
        : renderPolicies(policies, screenOf(this.io, this.color, repo.clock.nowMs())),
    );
    return policies.map(toPolicyJson);
  }
}
