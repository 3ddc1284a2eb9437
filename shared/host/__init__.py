"""From one service's declaration to its processes: settings, connections, and the roles web, consume and project.

It may import every other room. It never holds a rule, and it is the only room that reads the environment.
"""
