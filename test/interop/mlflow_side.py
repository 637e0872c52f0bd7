"""What mlflow reads from a folder of runs: prints one JSON object.

Argument: the folder, or another tracking store's address.
"""

import json
import os
import sys

# Newer versions of mlflow read folders only when they are asked to.
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

from mlflow.tracking import MlflowClient

client = MlflowClient(tracking_uri=sys.argv[1])
runs = {}
experiments = {}
for experiment in client.search_experiments():
    experiments[experiment.name] = {
        "id": experiment.experiment_id,
        "note": experiment.tags.get("mlflow.note.content"),
    }
    token = None
    while True:
        page = client.search_runs([experiment.experiment_id], max_results=500, page_token=token)
        for run in page:
            runs[run.info.run_id] = {
                "experiment": experiment.name,
                "status": run.info.status,
                "start": run.info.start_time,
                "end": run.info.end_time,
                "params": run.data.params,
                "metrics": {name: repr(value) for name, value in run.data.metrics.items()},
                "tags": run.data.tags,
                "history": {
                    name: [[point.step, repr(point.value)] for point in client.get_metric_history(run.info.run_id, name)]
                    for name in run.data.metrics
                },
            }
        token = page.token
        if not token:
            break
json.dump({"experiments": experiments, "runs": runs}, sys.stdout)
