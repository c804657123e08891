"""The inference function on Modal: `modal deploy infra/deploy/modal/function.py`.

Modal builds its own image and needs a shell and Python in it, which ours has not: so Node's image is taken, and what runs is copied
out of ours. The secret `unmask` holds UNMASK_TICKET_KEYS, UNMASK_METRICS_TOKEN and UNMASK_S3_...: see infra/docs/places.md.
"""

import subprocess

import modal

OURS = "REGISTRY/unmask:cuda"
PORT = 8788

image = (
    modal.Image.from_registry("node:24.21.0-bookworm-slim", add_python="3.12")
    .entrypoint([])
    .dockerfile_commands(f"COPY --from={OURS} /app /app", f"COPY --from={OURS} /opt /opt")
    .env(
        {
            "UNMASK_HOST": "0.0.0.0",
            "UNMASK_PORT": str(PORT),
            "UNMASK_PROVIDER": "cuda",
            "UNMASK_CUDA_FOLDER": "/opt/unmask/cuda",
            "UNMASK_DRAIN_TIMEOUT_MS": "20000",
        }
    )
)

app = modal.App("unmask")


# As many at once as places and queue hold (4 and 16); a question may take as long as an answer.
@app.function(
    image=image,
    gpu="L4",
    secrets=[modal.Secret.from_name("unmask")],
    min_containers=0,
    scaledown_window=300,
    timeout=3600,
)
@modal.concurrent(max_inputs=20)
@modal.web_server(PORT, startup_timeout=1800)
def function() -> None:
    subprocess.Popen(["node", "/app/src/inference/function.ts"], cwd="/app")
