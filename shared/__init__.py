"""What two or more services need: the event language, the runtime, the edge. Holds no service's rule."""
