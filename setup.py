"""What pyproject.toml cannot say: the wheel carries checks/, loadtests/ and environments/ under readiness/shipped/.

In a checkout they stay at the top level, where they are read and edited; `readiness.shipped` finds them either way.
Under names of their own in site-packages they would stand in the way of folders that a user calls the same.
"""

from __future__ import annotations

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("checks", "loadtests", "environments")


class BuildPy(build_py):
    """Builds the folders as if they lay in the package. An editable install builds nothing, and keeps its one path."""

    def finalize_options(self) -> None:
        """Add the folders to the packages that are built; sdist asks here too for what it is to carry."""
        super().finalize_options()
        targets = {f"readiness.shipped.{folder}": folder for folder in SHIPPED}
        self.packages = [*self.packages, *targets]
        self.package_dir = {**self.package_dir, **targets}


setup(cmdclass={"build_py": BuildPy})
