"""Error pages."""

from flask import render_template

from medical_ai.core.problems import Problem


def render_problem(problem: Problem) -> str:
    """Draw a problem for a browser."""
    return render_template("web/error.html", problem=problem)
