# Each recipe is one line over dev.py, which needs nothing but Python 3.11.
.PHONY: demo demo-once up test faults faults-controls check setup lock clean

demo:
	@python3 dev.py demo

demo-once:
	@python3 dev.py demo-once

up:
	@python3 dev.py up

test:
	@python3 dev.py test

faults:
	@python3 dev.py faults $(if $(PROFILE),--profile $(PROFILE)) $(if $(SEED),--seed $(SEED)) $(if $(DATABASE),--database $(DATABASE)) $(if $(AT_ONCE),--at-once)

faults-controls:
	@python3 dev.py faults-controls $(if $(DATABASE),--database $(DATABASE))

check:
	@python3 dev.py check

setup:
	@python3 dev.py setup

lock:
	@python3 dev.py lock

clean:
	@python3 dev.py clean
