# Each recipe is one line over dev.py, which needs nothing but Python 3.11.
.PHONY: demo demo-once up test check setup lock clean

demo:
	@python3 dev.py demo

demo-once:
	@python3 dev.py demo-once

up:
	@python3 dev.py up

test:
	@python3 dev.py test

check:
	@python3 dev.py check

setup:
	@python3 dev.py setup

lock:
	@python3 dev.py lock

clean:
	@python3 dev.py clean
