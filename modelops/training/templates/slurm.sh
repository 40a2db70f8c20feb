#!/bin/bash
#SBATCH --job-name=training-$job
#SBATCH --partition=$partition
${account}#SBATCH --nodes=$nodes
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=$processes
#SBATCH --mem=$memory
#SBATCH --time=$time_limit
#SBATCH --signal=B:TERM@120
#SBATCH --output=$output
# The run's folder must be on a file system that all nodes and the application share. Sent again after its time ran
# out, it goes on from the newest complete checkpoint. Before its end a checkpoint is asked for by the file `cancel`.
set -euo pipefail
trap $at_the_end TERM
export PYTHONPATH=$project_dir TRAINING_RUN_TOKEN=$token HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1
MASTER_ADDR=$$(scontrol show hostnames "$$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_ADDR
srun $python -m torch.distributed.run \
    --nnodes=$nodes --nproc-per-node=$processes \
    --rdzv-backend=c10d --rdzv-id="$$SLURM_JOB_ID" --rdzv-endpoint="$$MASTER_ADDR:29500" \
    -m modelops.training.entrypoint $run_dir &
wait $$!
