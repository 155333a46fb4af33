"""The fault campaign: many jobs on an embedded cloud that is disturbed from outside, each judged.

Nothing in the functions or in the cloud knows of it. The cloud's one seam is that its WSGI
application can be wrapped; the rest is signals, limits and API calls as any operator has them.
"""
