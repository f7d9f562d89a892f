"""Does an output take the task on?"""
