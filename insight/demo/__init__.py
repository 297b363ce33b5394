"""The demo: a studio in the sandbox, a coach who changes plans, and a verdict on what arrived."""
