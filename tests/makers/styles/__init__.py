"""The styles of strangers' digits, a file a family."""

from makers.styles import cameras as cameras
from makers.styles import files as files
from makers.styles import papers as papers
from makers.styles import screens as screens
from makers.styles import sizes as sizes
from makers.styles import writers as writers
