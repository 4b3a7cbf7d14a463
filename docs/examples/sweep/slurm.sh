#!/bin/bash
# A sweep as a Slurm array: each task runs a shard; one more job puts them together when all are done.
#   sbatch docs/examples/sweep/slurm.sh docs/examples/sweep/sweep.yaml /shared/results/desks
# A task that was killed or preempted goes on where it was: its directory has every run that was finished.
#SBATCH --job-name=peerdist-sweep
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail
sweep=${1:?the sweep}
out=${2:?where the results go}
shards=${SLURM_ARRAY_TASK_COUNT:-1}
shard=${SLURM_ARRAY_TASK_ID:-1}
# The merge waits for the whole array; it is submitted once, by the first task.
if [ "$shard" = 1 ] && [ -n "${SLURM_ARRAY_JOB_ID:-}" ] && [ "${SLURM_RESTART_COUNT:-0}" = 0 ]; then
    sbatch --dependency="afterok:$SLURM_ARRAY_JOB_ID" --job-name=peerdist-merge \
        --wrap="peerdist sim merge '$out'/shard-* --out '$out/merged'"
fi
exec peerdist sim sweep "$sweep" --shard "$shard/$shards" --jobs "${SLURM_CPUS_PER_TASK:-1}" --resume \
    --out "$out/shard-$shard"
